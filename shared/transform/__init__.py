"""A route's KQL transform, seen before Azure runs it.

Rule: what a data collection rule would refuse, or drop in silence, is said here
first, with its line and column; what cannot be known here is not claimed.
"""
