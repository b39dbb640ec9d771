"""Records in, rows out: columns and types, times, filters."""
