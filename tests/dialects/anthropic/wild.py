"""Requests near to good ones, for hypothesis: some place in them, at any depth, holds something else or nothing."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic.blocks import KINDS
from tests.dialects.anthropic import sound
from tests.dialects.anthropic.bodies import call, image, result, text

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXTS, children, max_size=3),
    max_leaves=8,
)
_ODD = [
    *(None, True, 0, -1, 1.5, 2**63, "", " ", "x", [], {}, [None], ["x"], [[]], [{}], {"": {}}),
    *(
        {"type": []},
        [{"type": "image", "source": 5}],
        [{"cache_control": 1}],
        {"cache_control": {"ttl": "1h"}},
    ),
    *(text("(no content)"), text(""), text("a", tool_use_id=[]), call(), result(), result(content=[image()])),
    *({"type": kind} for kind in KINDS),
]
_KEYS = [
    *(
        "type",
        "text",
        "cache_control",
        "citations",
        "source",
        "content",
        "tool_use_id",
        "id",
        "name",
        "input",
    ),
    *(
        "is_error",
        "caller",
        "data",
        "media_type",
        "url",
        "title",
        "ttl",
        "thinking",
        "signature",
        "role",
        "x",
        "",
    ),
    *("system", "tools", "tool_choice", "stream", *sound.PARAMETERS),
]


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A good request with one or two places changed."""
    fields: dict[str, Any] = _copied(draw(sound.REQUESTS))
    for _ in range(draw(st.integers(1, 2))):
        held = draw(st.sampled_from(_holders(fields)))
        odd = _copied(draw(st.sampled_from(_ODD) | JSON))
        if isinstance(held, dict):
            key = draw(st.sampled_from([*held, *held, *held, *_KEYS]))
            if draw(st.integers(0, 3)):
                held[key] = odd
            else:
                held.pop(key, None)
        else:
            at = draw(st.integers(0, len(held)))
            held[at : at + draw(st.integers(0, 1))] = [odd] if draw(st.integers(0, 3)) else []
    return fields


def _copied(value: Any) -> Any:
    # What is drawn may be held by others, or be the same object in two places.
    return orjson.loads(orjson.dumps(value))


def _holders(fields: dict[str, Any]) -> list[Any]:
    """Every object and list in it."""
    found: list[Any] = [fields]
    for held in found:
        inside = held.values() if isinstance(held, dict) else held
        found.extend(each for each in inside if isinstance(each, dict | list))
    return found
