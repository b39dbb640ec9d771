"""The KQL of transforms, read and compiled to functions over rows.

Rule: it runs what a data collection rule runs, with the values that Kusto's reference
gives; whether a rule accepts a text is said elsewhere (`check`). Invariant: nothing a
row holds makes a transform fail where Kusto would give null.

    text --parser--> tree --binder--> Node --get(row)--> value
"""
