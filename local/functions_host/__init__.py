"""A Functions host for one machine: the real one's surface, in Python.

Rule: Azure Functions Core Tools can stand in its place and nothing else changes. It
reads the same host.json and local.settings.json, polls the same queues, takes the
same webhook, answers the same admin calls, and hands functions what the real worker
would, through azure-functions' own converters. What it cannot do (HTTP triggers,
other bindings) it refuses at start, in a sentence.

Invariant: a message is deleted only after its function returned, and is moved to
the poison queue only after its last try; a host that is killed loses nothing.

    config.py     host.json, as numbers
    settings.py   local.settings.json, %SETTING%, connections
    loader.py     function_app.py -> functions and their bindings
    bindings.py   trigger data <-> Python values
    worker.py     runs a function: threads, loop, timeout
    log.py        one readable log, invocation ids in it
    queues.py     storage queues: poll, hold, retry, poison
    blobs.py      blob events: webhook -> queue -> function
    schedule.py   NCRONTAB
    timers.py     runs on a schedule, past due included
    web.py        webhook and admin calls
    host.py       all of it together
"""
