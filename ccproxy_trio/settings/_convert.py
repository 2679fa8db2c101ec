"""From what a source holds to an option's value, without guessing.

cattrs as it comes coerces in silence: `int(1.7)` is 1, `bool("false")` is True, and True will do as a port.
So there are two converters, and both refuse with a ValueError: STRICT for typed sources (TOML, JSON), where
nothing passes for anything else but a whole number for a number of seconds; TEXT for the environment and
flags, where `"false"` is false.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import cattrs

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})

STRICT = cattrs.Converter()
TEXT = cattrs.Converter()


def _is_choice(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _is_table(kind: Any) -> bool:
    return get_origin(kind) is Mapping


def _exactly(value: object, kind: type) -> object:
    # Not isinstance: a bool is an int to Python, and to nobody else.
    if type(value) is not kind:
        raise ValueError
    return value


def _number(value: object, _: type) -> float:
    if type(value) is not int and type(value) is not float:
        raise ValueError
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError from error


def _choice(value: object, kind: Any) -> str:
    if not isinstance(value, str) or value not in get_args(kind):
        raise ValueError
    return value


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _list(value: object, kind: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError
    return tuple(dict.fromkeys(STRICT.structure(each, get_args(kind)[0]) for each in value))


def _list_in_text(text: str, kind: Any) -> tuple[str, ...]:
    if text.lstrip().startswith("["):
        return _list(parse_json(text), kind)
    return _list([word.strip() for word in text.split(",") if word.strip()], kind)


def _table(value: object, kind: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError
    texts = get_args(kind)[1]
    return MappingProxyType({name: STRICT.structure(text, texts) for name, text in value.items()})


def _moment(value: object, _: type) -> datetime:
    if isinstance(value, str):  # as JSON has it
        value = (
            date.fromisoformat(value) if len(value) == len("2000-01-01") else datetime.fromisoformat(value)
        )
    if type(value) is date:
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError
    return value


def _switch(text: str, _: type) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def parse_json(text: str) -> Any:
    """Decode JSON, but refuse a table with the same name twice, where `json.loads` drops one silently."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("Nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, value in pairs:
        if name in table:
            raise ValueError(f"{json.dumps(name)} stands twice in one object")
        table[name] = value
    return table


for _kind in (bool, int, str):
    STRICT.register_structure_hook(_kind, _exactly)
STRICT.register_structure_hook(float, _number)
STRICT.register_structure_hook(datetime, _moment)
STRICT.register_structure_hook_func(_is_choice, _choice)
STRICT.register_structure_hook_func(_is_list, _list)
STRICT.register_structure_hook_func(_is_table, _table)

TEXT.register_structure_hook(bool, _switch)
TEXT.register_structure_hook_func(_is_choice, _choice)
TEXT.register_structure_hook_func(_is_list, _list_in_text)
TEXT.register_structure_hook_func(_is_table, lambda text, kind: _table(parse_json(text), kind))
