"""What both of OpenAI's APIs are asked in the same words, and what becomes of parameters that are not carried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio.dialects.openai.parameters import OTHER_TIERS, TIERS

from .shapes import ANYTHING, FLAG, FRACTION, NULL, TEXT, TOOL_NAME, Json, either, nullables, obj, said, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.openai.fields import NotCarried

_DATA = r"[dD][aA][tT][aA]:[A-Za-z0-9_.+/-]*(;[^,]*)?;[bB][aA][sS][eE]64(,|$)"
WEB_OR_DATA: Json = {
    "type": "string",
    "pattern": f"^([hH][tT][tT][pP][sS]?://|{_DATA})",
    "description": "A URL of http or https, or `data:MEDIA_TYPE;base64,DATA`.",
}
DATA: Json = {
    "type": "string",
    "pattern": f"^{_DATA}",
    "description": "`data:application/pdf;base64,DATA`",
}
NO_FILE = said(NULL, "There is no Files API.")

_SCHEMA: Json = {"type": "object", "required": ["type"], "properties": {"type": words("object")}}
PARAMETERS: Json = either(_SCHEMA, {"type": "object", "maxProperties": 0})

FUNCTION: dict[str, Json] = {
    "name": TOOL_NAME,
    **nullables({"description": TEXT, "parameters": PARAMETERS, "strict": FLAG}),
}
OUTPUT_SCHEMA: dict[str, Json] = {
    "name": TEXT,
    "schema": {"type": "object"},
    **nullables({"description": TEXT, "strict": FLAG}),
}


def shared_parameters(*, leaves_out: bool) -> dict[str, Json]:
    """Parameters that both have and that mean the same, each of which may be null."""
    return {
        "parallel_tool_calls": FLAG,
        "safety_identifier": TEXT,
        "service_tier": words(*TIERS, *(OTHER_TIERS if leaves_out else ())),
        "stream": FLAG,
        "temperature": {"type": "number", "minimum": 0, "maximum": 2} if leaves_out else FRACTION,
        "top_p": FRACTION,
        "user": TEXT,
    }


def not_carried(table: Mapping[str, NotCarried], *, refused: bool) -> dict[str, Json]:
    """Parameters that have no effect, with the reason; refused ones may say what happens anyway."""
    return {
        name: said(words(None, *each.neutral) if refused else ANYTHING, _because(each.why, refused=refused))
        for name, each in table.items()
    }


def always_refused(table: Mapping[str, str], reason: str = "") -> dict[str, Json]:
    """Parameters that may be null alone."""
    return {name: said(NULL, f"Not supported: {reason}{why}.") for name, why in table.items()}


def part(kind: str, keys: Mapping[str, Json], *required: str) -> Json:
    """A part of a message's content."""
    marked = {"type": words(kind), **keys, "prompt_cache_breakpoint": ANYTHING}
    return obj(marked, "type", *required)


def _because(why: str, *, refused: bool) -> str:
    return f"Not supported: {why}." if refused else f"Ignored: {why}."
