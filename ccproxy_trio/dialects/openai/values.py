"""Single values of an OpenAI request, beyond those that every dialect has."""

from __future__ import annotations

from typing import Any

import orjson

from ccproxy_trio.dialects.anthropic.values import obj, within
from ccproxy_trio.dialects.failures import InvalidRequest


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


def json_object(text: str, path: str) -> dict[str, Any]:
    """The JSON object that a string holds; none is the same as an empty one, as models write it so."""
    if not text.strip():
        return {}
    try:
        decoded = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(
            path, f"this server carries only arguments that are a JSON object: {error}"
        ) from None
    if not isinstance(decoded, dict):
        raise InvalidRequest(path, "this server carries only arguments that are a JSON object")
    return decoded
