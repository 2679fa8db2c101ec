"""Nothing but InvalidRequest comes out of parse_responses_request, whatever goes in."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai import error_response, parse_responses_request
from ccproxy_trio.dialects.openai.responses.fields import CARRIED, KEPT, UNSUPPORTED, WITHOUT_EFFECT
from ccproxy_trio.dialects.openai.responses.items import REFUSED
from ccproxy_trio.dialects.openai.responses.thoughts import seal

from ..test_request_fuzz import ARGUMENTS, IDS, JSON, NAMES, TEXTS, URLS, shaped

INPUT = st.one_of(
    shaped({"type": st.just("input_text"), "text": TEXTS}),
    shaped({"type": st.just("input_image")}, image_url=URLS, file_id=TEXTS, detail=st.just("low")),
    shaped({"type": st.just("input_file")}, file_data=URLS, file_url=URLS, filename=TEXTS),
)
SAID = st.one_of(
    shaped({"type": st.just("output_text"), "text": TEXTS}, annotations=st.just([])),
    shaped({"type": st.just("refusal"), "refusal": TEXTS}),
)
THOUGHTS = st.sampled_from(
    [
        seal({"type": "thinking", "thinking": "a", "signature": "b"}),
        seal({"type": "redacted_thinking", "data": "a"}),
        seal({"type": "redacted_thinking", "data": [5]}),
        "claude-1.",
    ]
)
LABELS = {"id": TEXTS, "status": st.just("completed")}
ITEMS = st.one_of(
    shaped(
        {
            "role": st.sampled_from(["user", "system", "developer"]),
            "content": TEXTS | st.lists(INPUT, max_size=2),
        },
        type=st.just("message"),
        **LABELS,
    ),
    shaped({"role": st.just("user"), "content": TEXTS}),
    shaped(
        {"role": st.just("assistant"), "content": TEXTS | st.lists(SAID, max_size=2)}, phase=TEXTS, **LABELS
    ),
    shaped(
        {"type": st.just("function_call"), "call_id": IDS, "name": NAMES, "arguments": ARGUMENTS}, **LABELS
    ),
    shaped(
        {
            "type": st.just("function_call_output"),
            "call_id": IDS,
            "output": TEXTS | st.lists(INPUT, max_size=2),
        }
    ),
    shaped({"type": st.just("reasoning"), "summary": st.just([])}, encrypted_content=THOUGHTS, **LABELS),
    shaped({"type": st.sampled_from(sorted(REFUSED))}),
)
TOOLS = shaped(
    {"type": st.just("function"), "name": NAMES},
    parameters=st.just({"type": "object"}),
    strict=st.booleans(),
    description=TEXTS,
    defer_loading=st.booleans(),
)
NAMED = shaped({"type": st.just("function"), "name": NAMES})
CHOICES = (
    st.sampled_from(["none", "auto", "required"])
    | NAMED
    | shaped(
        {"type": st.just("allowed_tools"), "mode": st.just("auto"), "tools": st.lists(NAMED, max_size=2)}
    )
)
FORMATS = shaped(
    {"type": st.sampled_from(["text", "json_object", "json_schema"])},
    name=NAMES,
    schema=st.just({"type": "object"}),
    description=TEXTS,
)
WELL_SHAPED = {
    "instructions": TEXTS,
    "tools": st.lists(TOOLS, max_size=2),
    "tool_choice": CHOICES,
    "text": shaped({}, format=FORMATS, verbosity=st.just("low")),
    "reasoning": shaped({}, effort=st.sampled_from(["none", "low"]), summary=st.just("auto"), mode=TEXTS),
    "include": st.lists(st.just("reasoning.encrypted_content") | TEXTS, max_size=2),
    "metadata": st.dictionaries(TEXTS, TEXTS, max_size=2),
    "stream": st.booleans(),
    "temperature": st.floats(-1, 3),
    "max_output_tokens": st.integers(-1, 5),
    "user": TEXTS,
}
REST = (CARRIED | UNSUPPORTED.keys() | WITHOUT_EFFECT.keys() | KEPT.keys()) - WELL_SHAPED.keys()
INPUTS = TEXTS | st.lists(ITEMS, max_size=5)
REQUESTS = shaped(
    {"model": st.just("gpt-4o"), "input": INPUTS},
    **WELL_SHAPED,
    **dict.fromkeys(sorted(REST - {"model", "input"}), JSON),
    frobnicate=JSON,
)
BARE = st.fixed_dictionaries(
    {"model": st.just("gpt-4o"), "input": INPUTS},
    optional={name: strategy | JSON for name, strategy in WELL_SHAPED.items()},
)


def only_invalid_request(body: bytes, policy: Any) -> None:
    try:
        request = parse_responses_request(body, unsupported=policy)
    except InvalidRequest as error:
        told = error
    else:
        orjson.dumps(dict(request.settings))
        return
    # And its words can be sent.
    status, _, answer = error_response(told)
    assert status == 400
    assert orjson.loads(answer)["error"]["message"] == str(told)


@given(st.binary(max_size=64) | JSON.map(orjson.dumps))
def test_any_body(body: bytes) -> None:
    only_invalid_request(body, "refuse")


@given((REQUESTS | BARE).map(orjson.dumps), st.sampled_from(["refuse", "ignore"]))
def test_anything_like_a_request(body: bytes, policy: str) -> None:
    only_invalid_request(body, policy)


@given(BARE.map(orjson.dumps), st.data())
def test_anything_like_a_request_with_a_byte_changed(body: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(body) - 1))
    only_invalid_request(body[:position] + data.draw(st.binary(max_size=2)) + body[position + 1 :], "refuse")


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), st.data())
def test_every_text_arrives_in_order(texts: list[str], data: st.DataObject) -> None:
    roles = st.sampled_from(["developer", "user", "assistant"])
    said = [("user", "first"), *((data.draw(roles), text) for text in texts), ("user", "last")]
    body = {"model": "m", "input": [{"role": role, "content": text} for role, text in said]}
    request = parse_responses_request(orjson.dumps(body)).messages
    spoken = [(message.role, block["text"]) for message in request.messages for block in message.content]
    assert spoken == [each for each in said if each[0] != "developer"]
    assert list(request.system) == [text for role, text in said if role == "developer"]
