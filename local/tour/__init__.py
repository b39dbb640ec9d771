"""What `make run` shows: local Azure starts, the samples go in, and every row is accounted for.

Rule: it uses the app from outside only, as a user would: the storage SDK, the
host's admin address, the query API, the host's log. Invariant: it says that all is
well only when every input has its audit row and all books agree.

    inputs.py   the samples, as things to drop and to send
    drive.py    puts them in, waits for their audit rows, reads the books
    tally.py    whether everything adds up
    report.py   the tables
    __main__.py start, tour, stay or leave
"""
