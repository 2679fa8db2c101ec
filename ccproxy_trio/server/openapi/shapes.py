"""The words of JSON Schema that the document is written in, and the few shapes that every API here shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json: TypeAlias = dict[str, Any]

ANYTHING: Json = {}
NULL: Json = {"type": "null"}
TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
FLAG: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}
SOME: Json = {"type": "integer", "minimum": 1}
FRACTION: Json = {"type": "number", "minimum": 0, "maximum": 1}
OBJECT: Json = {"type": "object"}

_WORDS = r"[^\s\uFEFF]"
SAID: Json = {"type": "string", "pattern": _WORDS, "description": "Not white space alone."}
SAID_OR_EMPTY: Json = {
    "type": "string",
    "pattern": f"^$|{_WORDS}",
    "description": "Empty, or not white space alone.",
}
TOOL_NAME: Json = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,128}$"}
MODEL: Json = {
    "type": "string",
    "minLength": 1,
    "maxLength": 256,
    "pattern": r"^\S(.*\S)?$",
    "description": "Printable, without space at its ends. `GET /v1/models` lists what there is.",
}


def obj(
    properties: Mapping[str, Json], *required: str, more: bool | Json = False, said: str | None = None
) -> Json:
    """An object; `more` says what other keys may hold."""
    shape: Json = {"type": "object", "properties": dict(properties)}
    if required:
        shape["required"] = list(required)
    if more is not True:
        shape["additionalProperties"] = more
    return shape if said is None else {**shape, "description": said}


def array(items: Json, **limits: int) -> Json:
    """An array of such items."""
    return {"type": "array", "items": items, **limits}


def words(*values: object) -> Json:
    """One of these values."""
    return {"const": values[0]} if len(values) == 1 else {"enum": list(values)}


def either(*shapes: Json) -> Json:
    """One of these shapes."""
    return {"anyOf": list(shapes)}


def nullable(shape: Json) -> Json:
    """The shape, or null, which is the same as absent."""
    return either(shape, NULL)


def nullables(shapes: Mapping[str, Json]) -> dict[str, Json]:
    """Each of them nullable, but for those that take anything."""
    return {name: nullable(shape) if shape else shape for name, shape in shapes.items()}


def said(shape: Json, description: str) -> Json:
    """The shape, with what is said of it."""
    return {**shape, "description": description}


def ref(name: str) -> Json:
    """The shape of that name among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def refs(names: Iterable[str]) -> Json:
    """One of the shapes of these names."""
    return either(*map(ref, names))


def event(data: Json, *, name: Json = TEXT) -> Json:
    """One server-sent event, whose data is JSON."""
    decoded = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
    return obj({"event": name, "data": decoded}, "data", more=True)
