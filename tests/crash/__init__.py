"""Nothing lost: records that know themselves, through the whole stack, while the host is killed.

Rule: the harness knows what went in and looks at what came out; in between it has the
surface that everybody has (blobs, queues, the webhook, the admin calls, app settings).
What kills the host inside is put around the real functions in that process alone
(`points`), so there is no hook in the app.

    records     a record with an id and a check over its content; every kind of input made of them
    endpoint    an ingestion endpoint of the harness's own: strict, counting, failing on purpose
    points      every place where durable state changes: the commit points
    nursery     a process that has imported everything and forks one host a life
    stage       storage, settings, endpoint and nursery together; one life after the other
    sources     what was put in, and what is due of it
    inputs      drops files, grows, rewrites and replaces them, sends messages, tells of them, asks for replays
    verdict     what must hold when all is settled
    campaign    segments: some lives that end in a kill, then one that settles everything
    soak        one long life under load, its memory watched
"""
