"""What is answered, without a wire: each directive, and each field of a request that has an effect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ccproxy_trio.claude.demo.answer import Answer, compose

TOOLS = [
    {"type": "web_search_20250305", "name": "web_search"},
    {"name": "get", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
    {"type": "custom", "name": "put", "input_schema": {"type": "object"}},
]
ONE_CALL = {"type": "auto", "disable_parallel_tool_use": True}
RESULTS = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}


def ask(prompt: Any, *more: dict[str, Any], **fields: Any) -> Answer:
    return compose({"model": "m", "messages": [{"role": "user", "content": prompt}, *more], **fields}, "1")


def kinds_of(answer: Answer) -> list[str]:
    return [block["type"] for block in answer.content]


def text_of(answer: Answer) -> str:
    return "".join(block.get("text", "") for block in answer.content)


def calls_of(answer: Answer) -> list[tuple[str, Any]]:
    return [(block["name"], block["input"]) for block in answer.content if block["type"] == "tool_use"]


def rebuild(answer: Answer, deltas: int) -> list[dict[str, Any]]:
    """The blocks as a client puts them together from the events."""
    blocks: list[dict[str, Any]] = []
    for event in answer.events(deltas):
        if event["type"] == "content_block_start":
            blocks.append(json.loads(json.dumps({**event["content_block"], "json": ""})))
        elif event["type"] == "content_block_delta":
            delta = {key: value for key, value in event["delta"].items() if key != "type"}
            for key, value in delta.items():
                if key == "citation":
                    blocks[-1]["citations"].append(value)
                else:
                    blocks[-1][{"partial_json": "json"}.get(key, key)] += value
    for block in blocks:
        if said := block.pop("json"):
            block["input"] = json.loads(said)
    return blocks


@pytest.mark.parametrize("deltas", [1, 3, 50])
def test_a_stream_makes_up_the_whole_answer(deltas: int) -> None:
    text = "long enough not to be padded, which fifty deltas would do to a shorter text"
    wish = f'thinking=hm; redacted=eA==; search=cats; text={text}; tool=get,put; input={{"a": ["ü", {{}}]}}'
    answer = ask(f"[[{wish}]]")
    assert rebuild(answer, deltas) == answer.content
    kinds = ["thinking", "redacted_thinking", "server_tool_use", "web_search_tool_result", "text"]
    assert kinds_of(answer) == [*kinds, "tool_use", "tool_use"]
    pieces = [
        event["delta"]["partial_json"]
        for event in answer.events(deltas)
        if event["type"] == "content_block_delta" and event["delta"]["type"] == "input_json_delta"
    ]
    assert pieces.count("") == 3
    assert len(pieces) >= 3 * (1 + min(deltas, 3))


@pytest.mark.parametrize(
    ("text", "fields", "said", "reason", "sequence"),
    [
        ("a b c d", {}, "a b c d", "end_turn", None),
        ("a b c d", {"max_tokens": 3}, "a b c", "max_tokens", None),
        ("a b c d", {"stop_sequences": ["d", "c"]}, "a b ", "stop_sequence", "c"),
        ("a b c d", {"stop_sequences": ["x", ""]}, "a b c d", "end_turn", None),
        ("a b c d", {"stop_sequences": ["d"], "max_tokens": 2}, "a b", "max_tokens", None),
        ("a b c d", {"stop_sequences": ["b"], "max_tokens": 2}, "a ", "stop_sequence", "b"),
        ("a b c d", {"stop_sequences": "a"}, "a b c d", "end_turn", None),
    ],
)
def test_a_text_ends_where_the_request_says(
    text: str, fields: dict[str, Any], said: str, reason: str, sequence: str | None
) -> None:
    answer = ask(f"[[text={text}]]", **fields)
    assert (text_of(answer), answer.stop_reason, answer.stop_sequence) == (said, reason, sequence)
    *_, delta, _ = answer.events(1)
    assert delta["delta"] == {"stop_reason": reason, "stop_sequence": sequence}


@pytest.mark.parametrize(
    ("choice", "prompt", "calls", "kinds"),
    [
        (None, "x", [], ["text"]),
        (None, "[[tool=get, put]]", [("get", {"a": 1}), ("put", {})], ["text", "tool_use", "tool_use"]),
        (None, "[[tool=new]]", [("new", {"x": 1})], ["text", "tool_use"]),
        (ONE_CALL, "[[tool=put,get]]", [("put", {})], ["text", "tool_use"]),
        ({"type": "any"}, "x", [("get", {"a": 1})], ["tool_use"]),
        ({"type": "any"}, "[[tool=put; input=[1] ]]", [("put", [1])], ["tool_use"]),
        ({"type": "tool", "name": "put"}, "[[tool=get]]", [("put", {})], ["tool_use"]),
        ({"type": "none"}, "[[tool=get]]", [], ["text"]),
    ],
)  # fmt: skip
def test_tools_are_called_as_the_choice_has_it(
    choice: Any, prompt: str, calls: list[tuple[str, Any]], kinds: list[str]
) -> None:
    answer = ask(prompt, tools=TOOLS, **({} if choice is None else {"tool_choice": choice}))
    assert (calls_of(answer), kinds_of(answer)) == (calls, kinds)
    assert answer.stop_reason == ("tool_use" if calls else "end_turn")


def test_tools_are_called_for_as_many_rounds_as_wished() -> None:
    made = [len(calls_of(ask("[[tool=get; rounds=2]]", *[RESULTS] * count))) for count in range(4)]
    assert made == [1, 1, 0, 0]
    assert calls_of(ask("[[tool=get]]", RESULTS)) == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}, "b": {"enum": [7, 8]}}}, {"a": "text", "b": 7}),
        ({"type": "array", "items": {"type": ["null", "string"]}, "minItems": 2}, [None, None]),
        ({"anyOf": [{"const": {"x": 1}}, {"type": "null"}]}, {"x": 1}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "number"}}}, 1.5),
        ({"properties": {"a": {"type": "boolean"}}, "required": ["a"]}, {"a": True}),
        ({"type": "integer"}, 1),
    ],
)  # fmt: skip
def test_structured_output_satisfies_its_schema(schema: dict[str, Any], value: Any) -> None:
    shape = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    assert json.loads(text_of(ask("x", max_tokens=1, **shape))) == value
    assert text_of(ask("[[text=words]]", **shape)) == "words"


def test_a_schema_that_names_itself_has_an_end() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}, "v": {"type": "integer"}}}
    schema = {"$defs": {"N": {**node, "required": ["v"]}}, "$ref": "#/$defs/N"}
    said = text_of(ask("x", output_config={"format": {"type": "json_schema", "schema": schema}}))
    assert json.loads(said)["next"]["v"] == 1
    endless = {"$defs": {"N": {**node, "required": ["next"]}}, "$ref": "#/$defs/N"}
    assert json.loads(text_of(ask("x", output_config={"format": {"type": "json_schema", "schema": endless}})))


@pytest.mark.parametrize(("wish", "content"), [('text=""', [""]), ('text=" "', [" "]), ("no_text", [])])
def test_an_answer_may_have_nothing_to_see(wish: str, content: list[str]) -> None:
    answer = ask(f"[[{wish}]] x")
    assert [block["text"] for block in answer.content] == content
    assert "".join(block["text"] for block in rebuild(answer, 5)) == "".join(content)


def test_what_message_delta_tells_is_also_told_whole() -> None:
    answer = ask('[[container=c1; stop_details={"a": [1]}; usage={"cache_read_input_tokens": 5, "new": 2}]]')
    start, *_, delta, _ = answer.events(1)
    assert "container" not in start["message"]
    assert start["message"]["usage"]["cache_read_input_tokens"] == 5
    assert delta["usage"] == {"output_tokens": 3, "cache_read_input_tokens": 5, "new": 2}
    told = {"container": {"id": "c1", "expires_at": "2030-01-01T00:00:00Z"}, "stop_details": {"a": [1]}}
    assert delta["delta"] == {"stop_reason": "end_turn", "stop_sequence": None, **told}
    whole = answer.message()
    assert {key: whole[key] for key in told} == told
    assert (whole["usage"]["new"], whole["usage"]["output_tokens"]) == (2, 3)
    assert ask("[[search=x]]").usage()["server_tool_use"] == {"web_search_requests": 1}
    assert ask("x", service_tier="auto").usage()["service_tier"] == "standard"
    assert "service_tier" not in ask("x").usage()


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": None},
        {"messages": [None, {"role": "user"}, {"role": "user", "content": [{"type": "text", "text": 7}]}]},
        {"tools": 7, "tool_choice": {"type": "any"}},
        {"tools": [7, {"name": 7}], "tool_choice": {"type": "any"}},
        {"output_config": {"format": {"type": "json_schema", "schema": 7}}},
        {"output_config": {"format": {"type": "json_schema", "schema": {"items": 7, "type": "array"}}}},
        {"output_config": 7, "stop_sequences": [7], "max_tokens": "x"},
    ],
)
def test_fields_without_sense_are_no_crash(fields: dict[str, Any]) -> None:
    answer = compose({"model": "m", "messages": [{"role": "user", "content": "x"}], **fields}, "1")
    assert json.dumps(list(answer.events(5)))
