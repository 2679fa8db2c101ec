"""Decoding a request body as JSON, as strictly as the API it stands in for, and a little more.

The API reads bodies with orjson, whose messages ("unexpected end of data: line 1 column 2 (char 1)") clients
know: NaN and infinities, lone surrogates, a byte order mark and bytes that are not UTF-8 are errors there,
and so is nesting beyond 1024 levels. One thing more is refused here: a key that an object holds twice, of
which every decoder keeps one and silently drops the rest.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from ccproxy_trio.dialects.failures import InvalidRequest

_MOST_MARKS = 1_000_000
"""Beyond what any context window takes in. Decoding is the one thing that cannot be interrupted, and a small body of
nothing but brackets would fill the memory."""


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a body that must be one JSON object.

    Raises InvalidRequest, with the position, for anything else.
    """
    if sum(map(body.count, (b"{", b"[", b":"))) > _MOST_MARKS:
        raise InvalidRequest(
            "",
            f"The request body has more than {_MOST_MARKS} brackets and colons, of which this server takes no more",
        )
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("", f"The request body is not valid JSON: {error}") from None
    if not isinstance(decoded, dict):
        raise InvalidRequest("", "The request body must be a JSON object")
    return decoded


def refuse_repeated_keys(body: bytes) -> None:
    """Raise InvalidRequest if an object in this valid JSON text holds a key twice.

    This reads the text a second time, and calls into Python once an object: do it last, when the body is
    otherwise known to be good, so that a body made to be slow is refused before.
    """
    try:
        # parse_int: the decoder's own int() refuses more than 4300 digits.
        json.loads(body, object_pairs_hook=_refuse_repeated, parse_int=float)
    except RecursionError:
        raise InvalidRequest("", "The request body is nested too deeply") from None


def refuse_lost_keys(body: bytes, written: bytes) -> None:
    """The same, and quick for a body without such a key; `written` is what it was decoded to, as orjson writes it."""
    # There is a colon behind each key. The others are in strings, and equal unless the client has escaped one.
    if body.count(b":") != written.count(b":") or b"\\u003a" in body or b"\\u003A" in body:
        refuse_repeated_keys(body)


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) == len(pairs):
        return
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise InvalidRequest("", f"The request body has the key {shorten(key)} twice in one object")
        seen.add(key)


def shorten(name: str) -> str:
    """A name out of a request, fit to stand in an error message."""
    if not name:
        return '""'
    return name if len(name) <= 100 else f"{name[:100]}…"
