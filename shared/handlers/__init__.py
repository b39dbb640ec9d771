"""What each trigger asks for, from the event to the audit row.

Rule: one module a trigger; none of them knows Azure Functions. Invariant: a handler
returns only when its source is settled, or when the rest of the work is safe
elsewhere: on the work queue, in the ledger, or in the dead letter. Anything else
raises, and the host delivers the event again.
"""
