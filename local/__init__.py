"""Azure on one machine. Never deployed; nothing in shared/ imports it."""
