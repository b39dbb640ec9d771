"""A route for files that nobody has described yet.

Rule: a guess is tried: whatever is proposed has been run over the files with the app's
own rooms, and what did not fit was given a wider type. Invariant: the route that comes
out is one that `logferry check` takes.

    sample.py    a file's first bytes: compression, charset, text
    forms.py     which formats they may be in, the likeliest first
    tables.py    which tables
    catalog.py   forms of lines that are everywhere, as patterns
    columns.py   keys to columns: names, types, the time
    draft.py     all of it together, and as YAML
"""
