"""Nothing but InvalidRequest comes out of parse_request, whatever goes in; and what it takes, it takes whole."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic import Text, error_response, parse_request
from ccproxy_trio.dialects.anthropic.known import UNSUPPORTED_BLOCKS, UNSUPPORTED_FIELDS
from ccproxy_trio.dialects.failures import InvalidRequest

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
KEYS = st.sampled_from(["type", "text", "cache_control", "citations"]) | TEXTS
BLOCKS = st.dictionaries(
    KEYS, JSON | st.sampled_from(["text", "text", *sorted(UNSUPPORTED_BLOCKS)]), max_size=3
) | st.builds(lambda text: {"type": "text", "text": text}, JSON | TEXTS)
CONTENTS = JSON | st.lists(BLOCKS | JSON, max_size=3)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "user", "assistant", "system"]) | JSON, "content": CONTENTS},
    optional={"name": JSON},
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.just("opus") | JSON,
        "max_tokens": st.integers(-1, 5) | JSON,
        "messages": st.lists(MESSAGES, max_size=4) | JSON,
        "system": CONTENTS,
        "stream": st.booleans() | JSON,
        **dict.fromkeys(sorted(UNSUPPORTED_FIELDS)[::6], JSON),
        "frobnicate": JSON,
    },
)


def only_invalid_request(body: bytes) -> None:
    try:
        parse_request(body)
    except InvalidRequest as error:
        failure = error.failure
    else:
        return
    # And its words can be sent.
    assert orjson.loads(error_response(failure)[2])["error"]["message"] == failure.message


@given(st.binary(max_size=64))
def test_any_bytes(body: bytes) -> None:
    only_invalid_request(body)


@given(JSON.map(orjson.dumps))
def test_any_json(body: bytes) -> None:
    only_invalid_request(body)


@given(REQUESTS.map(orjson.dumps))
def test_anything_like_a_request(body: bytes) -> None:
    only_invalid_request(body)


@given(REQUESTS.map(orjson.dumps), st.data())
def test_anything_like_a_request_with_a_byte_changed(body: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(body) - 1))
    only_invalid_request(body[:position] + data.draw(st.binary(max_size=2)) + body[position + 1 :])


GOOD_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: not text.isspace())
GOOD_CONTENTS = GOOD_TEXTS | st.lists(
    st.builds(lambda text: {"type": "text", "text": text}, GOOD_TEXTS), min_size=1
)


def texts_of(content: Any) -> list[str]:
    return [content] if isinstance(content, str) else [block["text"] for block in content]


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant"]), GOOD_CONTENTS)), GOOD_CONTENTS, GOOD_CONTENTS
)
def test_every_text_of_a_good_request_arrives_once_and_in_order(
    middle: list[tuple[str, Any]], first: Any, last: Any
) -> None:
    turns = [("user", first), *middle, ("user", last)]
    messages = [{"role": role, "content": content} for role, content in turns]
    request = parse_request(
        orjson.dumps({"model": "m", "max_tokens": 1, "messages": messages, "system": first})
    )
    assert [(m.role, b.text) for m in request.messages for b in m.content] == [
        (role, text) for role, content in turns for text in texts_of(content)
    ]
    roles = [message.role for message in request.messages]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    assert request.system == tuple(Text(text) for text in texts_of(first))
