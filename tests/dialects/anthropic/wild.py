"""Requests near to real ones, for hypothesis: right in shape, with any part of them perhaps of any kind."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic.blocks import KINDS
from ccproxy_trio.dialects.anthropic.known import (
    CLIENT_TOOLS,
    SERVER_TOOLS,
    UNSUPPORTED_BLOCKS,
    UNSUPPORTED_FIELDS,
)
from ccproxy_trio.dialects.anthropic.parameters import PARAMETERS
from tests.dialects.anthropic.bodies import (
    FOUND,
    PNG,
    SEARCH,
    TOOL,
    call,
    document,
    image,
    result,
    search_result,
)

Strategy = st.SearchStrategy[Any]

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

_WORDS = st.sampled_from(
    [
        *(
            "text",
            "enabled",
            "disabled",
            "base64",
            "url",
            "file",
            "content",
            "ephemeral",
            "1h",
            "custom",
            "auto",
        ),
        *("tool", "object", "json_schema", "direct", "toolu_1", "get", PNG, "image/png", "(no content)", " "),
        *KINDS,
        *sorted(UNSUPPORTED_BLOCKS)[:2],
    ]
)
_KEYS = st.sampled_from(
    [
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
            "budget_tokens",
        ),
    ]
)
VALUES = _WORDS | JSON
"""Anything, and more often than not a word that means something somewhere."""

_LIKE_AN_OBJECT = st.dictionaries(_KEYS | TEXTS, VALUES, max_size=4)
_BLOCKS = [
    *({"type": kind} for kind in (*KINDS, *sorted(UNSUPPORTED_BLOCKS)[:2])),
    *({"type": "text", "text": words} for words in ("a", "b\n", "(no content)", "")),
    *(call(), call("b", caller={"type": "direct"}), result(), result("b", content="c"), image()),
    *(result(content=[{"type": "text", "text": ""}, image(), document("content")]), search_result()),
    *(document(kind) for kind in ("base64", "text", "url", "content")),
    *(SEARCH, FOUND, {"type": "thinking", "thinking": "", "signature": "s"}),
    {"type": "redacted_thinking", "data": "x"},
]


def changed(good: Strategy) -> Strategy:
    """What `good` gives, with some keys of it set to something else, or taken away."""
    more = st.dictionaries(
        _KEYS | TEXTS, VALUES | st.lists(_LIKE_AN_OBJECT, max_size=2) | _LIKE_AN_OBJECT, max_size=2
    )
    return st.builds(
        lambda value, new, gone: {key: each for key, each in (value | new).items() if key not in gone},
        good,
        st.just({}) | more,
        st.just(()) | st.sets(_KEYS, max_size=1),
    )


BLOCKS = changed(st.sampled_from(_BLOCKS)) | VALUES
CONTENTS = VALUES | st.lists(BLOCKS, max_size=4)
MESSAGES = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "user", "assistant", "assistant", "system"]) | VALUES,
        "content": CONTENTS,
    },
    optional={"name": JSON},
)
ROUNDS = st.builds(
    lambda first, called, answered: [
        {"role": "user", "content": first},
        {"role": "assistant", "content": called},
        {"role": "user", "content": answered},
    ],
    CONTENTS,
    st.lists(BLOCKS, max_size=3).map(lambda blocks: [*blocks, call()]),
    st.lists(BLOCKS, max_size=3).map(lambda blocks: [result(), *blocks]),
)
TOOLS = changed(
    st.sampled_from(
        [TOOL, *({"type": f"{kind}_20250124", "name": kind} for kind in sorted(CLIENT_TOOLS | SERVER_TOOLS))]
    )
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.just("opus") | VALUES,
        "max_tokens": st.integers(-1, 5000) | VALUES,
        "messages": ROUNDS | st.lists(MESSAGES, max_size=4) | VALUES,
        "system": CONTENTS,
        "stream": st.booleans() | JSON,
        "tools": st.lists(TOOLS | VALUES, max_size=3) | VALUES,
        "tool_choice": _LIKE_AN_OBJECT | VALUES,
        **dict.fromkeys(PARAMETERS, _LIKE_AN_OBJECT | VALUES),
        **dict.fromkeys(sorted(UNSUPPORTED_FIELDS)[::3], JSON),
        "frobnicate": JSON,
    },
)
