"""Pure translation between API dialects: bytes and values in, values out; no I/O and no trio."""
