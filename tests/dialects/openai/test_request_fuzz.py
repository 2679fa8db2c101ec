"""Nothing but InvalidRequest comes out of parse_chat_request, whatever goes in."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai import error_response, parse_chat_request
from ccproxy_trio.dialects.openai.fields import CARRIED, REPLACED, UNSUPPORTED, WITHOUT_EFFECT

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


def shaped(required: dict[str, Any], **optional: Any) -> st.SearchStrategy[Any]:
    """Objects that mostly have the keys they should."""
    strategies = {key: strategy | JSON for key, strategy in {**required, **optional}.items()}
    return st.fixed_dictionaries(
        {key: strategies[key] for key in required}, optional={key: strategies[key] for key in optional}
    )


IDS = st.sampled_from(["a", "b"])
NAMES = st.sampled_from(["f", "g"])
URLS = st.sampled_from(
    ["https://x/y.png", "data:image/png;base64,iVBORw0KGgo=", "data:application/pdf;base64,JVBE", "data:"]
)
PARTS = st.one_of(
    shaped({"type": st.just("text"), "text": TEXTS}),
    shaped({"type": st.just("refusal"), "refusal": TEXTS}),
    shaped({"type": st.just("image_url"), "image_url": shaped({"url": URLS}, detail=st.just("low"))}),
    shaped({"type": st.just("file"), "file": shaped({}, file_data=URLS, file_id=TEXTS, filename=TEXTS)}),
)
CONTENTS = TEXTS | st.lists(PARTS, max_size=2)
ARGUMENTS = st.just("{}") | JSON.map(lambda value: orjson.dumps(value).decode()) | TEXTS
CALLS = shaped(
    {"type": st.just("function"), "id": IDS, "function": shaped({"name": NAMES, "arguments": ARGUMENTS})}
)
MESSAGES = st.one_of(
    shaped(
        {"role": st.sampled_from(["user", "system", "developer", "function"]), "content": CONTENTS},
        name=TEXTS,
    ),
    shaped({"role": st.just("user"), "content": CONTENTS}),
    shaped(
        {"role": st.just("assistant")},
        content=CONTENTS,
        tool_calls=st.lists(CALLS, max_size=2),
        refusal=TEXTS,
    ),
    shaped({"role": st.just("tool"), "tool_call_id": IDS, "content": CONTENTS}),
)
FUNCTIONS = shaped(
    {"name": NAMES}, parameters=st.just({"type": "object"}), strict=st.booleans(), description=TEXTS
)
TOOLS = shaped({"type": st.just("function"), "function": FUNCTIONS})
NAMED = shaped({"type": st.just("function"), "function": shaped({"name": NAMES})})
CHOICES = (
    st.sampled_from(["auto", "none", "required"])
    | NAMED
    | shaped(
        {
            "type": st.just("allowed_tools"),
            "allowed_tools": shaped({"mode": st.just("auto"), "tools": st.lists(NAMED, max_size=2)}),
        }
    )
)
FORMATS = shaped(
    {"type": st.sampled_from(["text", "json_object", "json_schema"])},
    json_schema=shaped({"name": NAMES, "schema": st.just({"type": "object"})}, description=TEXTS),
)
WELL_SHAPED = {
    "tools": st.lists(TOOLS, max_size=2),
    "tool_choice": CHOICES,
    "response_format": FORMATS,
    "stop": TEXTS | st.lists(TEXTS, max_size=5),
    "stream": st.booleans(),
    "stream_options": shaped({}, include_usage=st.booleans()),
    "temperature": st.floats(-1, 3),
    "top_p": st.floats(-1, 3),
    "max_tokens": st.integers(-1, 5),
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "max"]),
    "service_tier": st.sampled_from(["auto", "flex"]),
    "user": TEXTS,
}
REST = (CARRIED | UNSUPPORTED.keys() | WITHOUT_EFFECT.keys() | REPLACED.keys()) - WELL_SHAPED.keys()
REQUESTS = shaped(
    {"model": st.just("gpt-4o"), "messages": st.lists(MESSAGES, max_size=5)},
    **WELL_SHAPED,
    **dict.fromkeys(sorted(REST - {"model", "messages"}), JSON),
    frobnicate=JSON,
)
BARE = st.fixed_dictionaries(
    {"model": st.just("gpt-4o"), "messages": st.lists(MESSAGES, min_size=1, max_size=5)},
    optional={name: strategy | JSON for name, strategy in WELL_SHAPED.items()},
)
POLICIES = st.sampled_from(["refuse", "ignore"])


def only_invalid_request(body: bytes, policy: Any) -> None:
    try:
        parse_chat_request(body, unsupported=policy)
    except InvalidRequest as error:
        told = error
    else:
        return
    # And its words can be sent.
    status, _, answer = error_response(told)
    assert status == 400
    assert orjson.loads(answer)["error"]["message"] == str(told)


@given(st.binary(max_size=64) | JSON.map(orjson.dumps))
def test_any_body(body: bytes) -> None:
    only_invalid_request(body, "refuse")


@given((REQUESTS | BARE).map(orjson.dumps), POLICIES)
def test_anything_like_a_request(body: bytes, policy: str) -> None:
    only_invalid_request(body, policy)


@given(BARE.map(orjson.dumps), st.data())
def test_anything_like_a_request_with_a_byte_changed(body: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(body) - 1))
    only_invalid_request(body[:position] + data.draw(st.binary(max_size=2)) + body[position + 1 :], "refuse")


SAID = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5).filter(
    lambda text: text.replace("\ufeff", " ").strip()
)


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "developer"]), SAID), min_size=1, max_size=8))
def test_every_text_arrives_in_order(said: list[tuple[str, str]]) -> None:
    messages = [{"role": role, "content": text} for role, text in said]
    request = parse_chat_request(orjson.dumps({"model": "m", "messages": messages})).messages
    system = [text for role, text in said if role != "user"]
    users = [text for role, text in said if role == "user"]
    [message] = request.messages
    assert [block["text"] for block in message.content] == (users or system)
    assert list(request.system) == (system if users else [])
