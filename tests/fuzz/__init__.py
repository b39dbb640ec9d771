"""Hostile bytes through decode, parse, shape and encode: `python -m tests.fuzz --seconds 60`."""
