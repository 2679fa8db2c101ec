"""Single values of an OpenAI request, beyond those that every dialect has."""

from __future__ import annotations

from typing import Any

import orjson

from ccproxy_trio.dialects.anthropic.losses import write_again
from ccproxy_trio.dialects.anthropic.request import refuse_changed
from ccproxy_trio.dialects.anthropic.values import obj, string, within
from ccproxy_trio.dialects.failures import InvalidRequest

_NO_OBJECT = "this server carries only arguments that are a JSON object"
_LEVELS_AROUND = 5
"""What the arguments stand in, in a Messages body: its object, the messages, one of them, its content, the block."""


def known_keys(value: object, path: str, *known: str) -> dict[str, Any]:
    """An object with no key but those that are known; keys whose value is null are left out."""
    held = obj(value, path)
    for key in held:
        if key not in known:
            raise InvalidRequest(within(path, key), "Unknown parameter")
    return {key: each for key, each in held.items() if each is not None}


def number(value: object, path: str, least: float, most: float) -> float:
    """A number in a range."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidRequest(path, "Input should be a valid number")
    if not least <= value <= most:
        raise InvalidRequest(path, f"Input should be a number from {least:g} to {most:g}")
    return value


def read_arguments(value: object, path: str) -> dict[str, Any]:
    """The JSON object that a call's arguments hold as text; models write an empty one as no text at all."""
    text = string(value, path)
    if not text.strip():
        return {}
    try:
        decoded = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(path, f"{_NO_OBJECT}: {error}") from None
    if not isinstance(decoded, dict):
        raise InvalidRequest(path, _NO_OBJECT)
    try:
        refuse_changed(text.encode(), write_again(decoded, around=_LEVELS_AROUND))
    except InvalidRequest as error:
        raise InvalidRequest(path, error.message) from None
    return decoded
