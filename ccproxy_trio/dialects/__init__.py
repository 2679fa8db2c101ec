"""Pure translation between API dialects: bytes and values in, values out; no I/O and no trio.

`failures` holds the one neutral failure value and the error for a bad request, `sse` the framing of event
streams, `json_body` the strict reading of bodies; each dialect is a package of its own.
"""
