"""Starts and stops all of local Azure.

Rule: one supervisor, every part a process of its own with a log of its own; parts
are started in order, each when the one before is ready, and stopped in reverse.
Invariant: however the supervisor ends, SIGKILL included, no part is left running.
"""
