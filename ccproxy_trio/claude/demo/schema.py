"""A value that satisfies a JSON schema, for structured output and for the input of a tool call.

Known are: type, properties, required, enum, const, items, minItems, anyOf, oneOf, and $ref to the schema's own
$defs. Whatever else a schema demands is not seen to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .directives import an_object

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIMPLE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}
_OPTIONAL_DOWN_TO = 4
_DEEPEST = 32


def satisfy(schema: object) -> Any:
    """An object has all its properties; deep inside, where a schema may name itself, only the required ones."""
    whole = an_object(schema)
    return _satisfy(whole, whole, 0)


def _satisfy(schema: Mapping[str, Any], whole: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEEPEST:
        return None
    match schema:
        case {"$ref": str(name)}:
            known = an_object(whole.get(name.split("/")[1] if "/" in name else ""))
            return _satisfy(an_object(known.get(name.rpartition("/")[2])), whole, depth + 1)
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"anyOf": [dict(first), *_]} | {"oneOf": [dict(first), *_]}:
            return _satisfy(first, whole, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "object":
            properties, required = an_object(schema.get("properties")), schema.get("required") or ()
            wanted = [name for name in properties if depth < _OPTIONAL_DOWN_TO or name in required]
            return {name: _satisfy(an_object(properties[name]), whole, depth + 1) for name in wanted}
        case "array":
            least = schema.get("minItems")
            count = max(least if isinstance(least, int) else 0, int(depth < _OPTIONAL_DOWN_TO))
            return [_satisfy(an_object(schema.get("items")), whole, depth + 1)] * count
        case str(simple):
            return _SIMPLE.get(simple)
    return None
