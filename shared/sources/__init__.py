"""A trigger's event becomes a Source: an identity, and bytes from a position on."""
