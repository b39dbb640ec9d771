"""Logferry: files and messages become rows in Azure Monitor Logs.

Data goes one way: sources -> decode -> parse -> shape -> encode -> upload -> ledger.
`pipeline` composes the rooms and is the only module that knows all of them.
Imports inside this package are relative, so that the same folder also installs
as the distribution `logferry`.
"""

__version__ = "0.1.0"
