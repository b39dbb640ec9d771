"""Batches in, outcomes out: identity, retries, halving, several posts in flight."""
