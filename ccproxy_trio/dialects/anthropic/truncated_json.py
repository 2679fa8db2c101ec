"""JSON that was cut off at the end of an answer: what of it is certain.

A tool's input arrives as pieces of JSON text. When the answer ends at its token limit, that text ends
anywhere.
"""

from __future__ import annotations

from typing import Any

import orjson

_CLOSERS = {"{": "}", "[": "]"}


def decode_truncated(text: str) -> Any:
    """Decode the beginning of a JSON object or array, as far as values in it are known to be whole.

    Known to be whole is what a comma or a closing bracket follows. Raises ValueError when `text` is not the
    beginning of an object or array.
    """
    closers: list[str] = []  # of what is open; changes only where `cut` does
    cut = 0
    in_string = escaped = False
    for position, character in enumerate(text):
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in _CLOSERS:
            closers.append(_CLOSERS[character])
            cut = position + 1
        elif character in "}]":
            if not closers or closers.pop() != character:
                raise ValueError(f"{character!r} closes nothing at character {position}")
            cut = position + 1
        elif character == ",":
            cut = position
    return orjson.loads(text[:cut] + "".join(reversed(closers)))
