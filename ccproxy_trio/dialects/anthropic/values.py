"""Single values of a request: each has exactly the type that the API documents, or the error says where not.

True is no number, 1.0 is no integer, "5" is neither. The texts are the API's own where they are known.
"""

from __future__ import annotations

from typing import Any

from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten

EXTRA = "Extra inputs are not permitted"


def required(fields: dict[str, Any], name: str, path: str = "") -> Any:
    """The value of a key that must be there; `path` is the place of `fields`."""
    if name not in fields:
        raise InvalidRequest(within(path, name), "Field required")
    return fields[name]


def within(path: str, name: str) -> str:
    """The path of a key, or of an item, of what stands at `path`."""
    return f"{path}.{shorten(name)}" if path else shorten(name)


def obj(value: object, path: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise InvalidRequest(path, "Input should be a valid dictionary or object to extract fields from")
    return value


def array(value: object, path: str) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise InvalidRequest(path, "Input should be a valid list")
    return value


def string(value: object, path: str) -> str:
    """A string, which may be empty."""
    if not isinstance(value, str):
        raise InvalidRequest(path, "Input should be a valid string")
    return value


def boolean(value: object, path: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidRequest(path, "Input should be a valid boolean")
    return value


def integer(value: object, path: str, *, at_least: int) -> int:
    """An integer, written as one."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(path, "Input should be a valid integer")
    if value < at_least:
        raise InvalidRequest(path, f"Input should be greater than or equal to {at_least}")
    return value


def fraction(value: object, path: str) -> float:
    """A number from 0 to 1."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidRequest(path, "Input should be a valid number")
    if value < 0:
        raise InvalidRequest(path, "Input should be greater than or equal to 0")
    if value > 1:
        raise InvalidRequest(path, "Input should be less than or equal to 1")
    return value


def one_of(value: object, path: str, *allowed: str) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in allowed:
        *most, last = [repr(word) for word in allowed]
        words = f"{', '.join(most)} or {last}" if most else last
        raise InvalidRequest(path, f"Input should be {words}")
    return value
