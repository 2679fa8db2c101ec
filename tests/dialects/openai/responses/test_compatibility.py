"""docs/compatibility-openai.md says of every parameter, item, part and tool of a response what is done with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from openai.types.responses import response_create_params

from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai import Unsupported, build_response, parse_responses_request
from ccproxy_trio.dialects.openai.responses.fields import CARRIED, KEPT, UNSUPPORTED, WITHOUT_EFFECT
from ccproxy_trio.dialects.openai.responses.items import REFUSED as REFUSED_ITEMS
from ccproxy_trio.dialects.openai.responses.tools import REFUSED as REFUSED_TOOLS

from ..test_chunks import message
from .asks import CALL, OUTPUT, REASONING, TOOL, USER, allowed, ask, body, user

PAGE = (Path(__file__).parents[4] / "docs" / "compatibility-openai.md").read_text()
RESPONSES = PAGE.split("\n## Responses\n")[1].split("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head; the first two without their marks."""
    section = RESPONSES.split(f"\n### {heading}\n")[1].split("\n### ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[2:]]
    return [[first.strip("`"), second.strip("`"), *rest] for first, second, *rest in cells]


PARAMETERS, ITEMS, PARTS = (
    rows("Parameters of a response"),
    rows("Items of the input"),
    rows("Parts of an item"),
)
TOOLS, STATUSES = rows("Tools of a response"), rows("The response")

USED: dict[str, Any] = {
    "access_programs": {},
    "background": True,
    "background_options": {},
    "context_management": [{"type": "compaction"}],
    "conversation": "conv_1",
    "image": {},
    "include": ["reasoning.encrypted_content"],
    "instructions": "x",
    "max_output_tokens": 5,
    "max_tool_calls": 5,
    "metadata": {"a": "b"},
    "moderation": {"model": "m"},
    "parallel_tool_calls": False,
    "previous_response_id": "resp_1",
    "prompt": {"id": "p"},
    "prompt_cache_key": "k",
    "prompt_cache_options": {},
    "prompt_cache_retention": "24h",
    "reasoning": {"effort": "low"},
    "safety_identifier": "u",
    "service_tier": "auto",
    "store": True,
    "stream_options": {"include_obfuscation": True},
    "temperature": 0.5,
    "text": {"format": {"type": "json_object"}},
    "tool_choice": "required",
    "tools": [TOOL],
    "top_logprobs": 1,
    "top_p": 0.5,
    "truncation": "auto",
    "user": "u",
}


def refused(**fields: Any) -> str:
    with pytest.raises(Unsupported) as caught:
        ask(**fields)
    return caught.value.field


@pytest.mark.parametrize(("name", "status", "notes"), [row for row in PARAMETERS if row[0] in USED])
def test_parameter(name: str, status: str, notes: str) -> None:
    beside = {"stream": True, "tools": [TOOL]}
    fields = {**beside, name: USED[name]}
    plain = ask(**{key: value for key, value in beside.items() if key != name})
    match status:
        case "honoured" | "emulated":
            asked = ask(**fields)
            assert asked.ignored == ()
            # What is honoured anyway makes no difference.
            assert ((asked.messages, asked.settings) == (plain.messages, plain.settings)) == (
                name == "include"
            )
        case "ignored":
            asked = ask(**fields)
            assert (asked.messages, asked.settings) == (plain.messages, plain.settings)
            [path] = asked.ignored
            assert path == name or f"`{path}`" in notes
        case "unsupported" | "refused":
            assert refused(**fields) == name
            if status == "unsupported":
                left_out = parse_responses_request(body(**fields), unsupported="ignore")
                assert (left_out.messages, left_out.ignored) == (plain.messages, (name,))
            else:
                with pytest.raises(Unsupported):
                    parse_responses_request(body(**fields), unsupported="ignore")
        case _:
            pytest.fail(status)
    assert ask(**{**beside, name: None}).ignored == ()
    if status == "unsupported" and (neutral := re.match(r"but for (?:`(.+)`|(\w+))", notes)):
        told = neutral[1] or neutral[2]
        value = orjson.loads(told) if re.match(r"\[|\d|false", told) else told
        assert ask(**{**beside, name: value}) == ask(**beside)


@pytest.mark.parametrize("name", ["model", "input"])
def test_what_is_required(name: str) -> None:
    assert [notes.startswith("required") for row, _, notes in PARAMETERS if row == name] == [True]
    fields = orjson.loads(body())
    del fields[name]
    with pytest.raises(InvalidRequest, match=f"{name}: Field required"):
        parse_responses_request(orjson.dumps(fields))


def test_notes_of_parameters() -> None:
    assert ask(stream=True).stream
    assert not ask().stream
    assert f"{ask().messages.max_tokens:,} tokens" in RESPONSES
    assert ask().settings["store"] is False
    assert refused(temperature=1.5) == "temperature"
    assert refused(service_tier="priority") == "service_tier"
    assert refused(include=["message.output_text.logprobs"]) == "include.[0]"
    assert ask(include=["file_search_call.results"]).ignored == ("include.[0]",)
    assert ask(user="a", safety_identifier="b").ignored == ("user",)
    assert refused(text={"verbosity": "low"}) == "text.verbosity"
    assert refused(reasoning={"mode": "pro"}) == "reasoning.mode"
    assert ask(reasoning={"context": "all_turns"}).ignored == ("reasoning.context",)


CARRIED_ITEMS: dict[str, list[dict[str, Any]]] = {
    "message": [{"type": "message", **USER}],
    "function_call": [USER, CALL, OUTPUT],
    "function_call_output": [USER, CALL, OUTPUT],
    "reasoning": [USER, REASONING, CALL, OUTPUT],
}


@pytest.mark.parametrize(("kind", "status", "notes"), ITEMS)
def test_item(kind: str, status: str, notes: str) -> None:
    if status == "refused":
        assert refused(input=[USER, {"type": kind, "id": "x"}]) == "input.[1].type"
        return
    items = CARRIED_ITEMS[kind]
    asked = ask(input=items)
    assert asked.ignored == ()
    labels = {"id": "x", "status": "completed"}
    assert ask(input=[{**each, **labels} for each in items]).messages == asked.messages


def test_notes_of_items() -> None:
    bare = {key: value for key, value in REASONING.items() if key != "encrypted_content"}
    assert ask(input=[USER, bare, CALL, OUTPUT]).ignored == ("input.[1]",)
    assert ask(input=[{**USER, "phase": "commentary"}]).ignored == ("input.[0].phase",)


PNG = "data:image/png;base64,iVBORw0KGgo="
PIECES: dict[str, tuple[dict[str, Any], str]] = {
    "input_text": ({"text": "x"}, "text"),
    "input_image": ({"image_url": PNG}, "image"),
    "input_file": ({"file_data": "data:application/pdf;base64,JVBE"}, "document"),
    "input_audio": ({"input_audio": {"data": "x", "format": "wav"}}, ""),
    "output_text": ({"text": "x"}, "text"),
    "refusal": ({"refusal": "x"}, "text"),
}


@pytest.mark.parametrize(("kind", "status", "notes"), PARTS)
def test_part(kind: str, status: str, notes: str) -> None:
    held, block = PIECES[kind]
    part = {"type": kind, **held}
    if status == "refused":
        assert refused(input=[user(part)]) == "input.[0].content.[0].type"
        return
    role = "user" if kind.startswith("input") else "assistant"
    extra = {
        key: value for key, value in {"annotations": [{}], "detail": "low"}.items() if f"`{key}`" in notes
    }
    if role == "user":
        extra["prompt_cache_breakpoint"] = {"mode": "explicit"}
    asked = ask(input=[USER, {"role": role, "content": [{**part, **extra}]}, USER])
    [found] = [b for m in asked.messages.messages for b in m.content if b.get("text") != "Hi"]
    assert found["type"] == block
    assert set(asked.ignored) == {f"input.[1].content.[0].{key}" for key in extra}
    if "`file_id` is refused" in notes:
        assert refused(input=[user({"type": kind, "file_id": "f"})]) == "input.[0].content.[0].file_id"


CHOICES: dict[str, tuple[Any, Any]] = {
    "auto": ("auto", {"type": "auto"}),
    "none": ("none", {"type": "none"}),
    "required": ("required", {"type": "any"}),
    "named": ({"type": "function", "name": "f"}, {"type": "tool", "name": "f"}),
    "allowed_tools": (allowed("f"), {"type": "auto"}),
}


@pytest.mark.parametrize(("name", "status", "notes"), TOOLS)
def test_tool(name: str, status: str, notes: str) -> None:
    if name == "function":
        assert "strict" not in ask(tools=[TOOL]).messages.tools[0]
        assert ask(tools=[{**TOOL, "strict": True}]).messages.tools[0]["strict"] is True
        unsupported = {"allowed_callers": [], "async": True, "defer_loading": True, "output_schema": {}}
        for key, value in unsupported.items():
            assert f"`{key}`" in notes
            assert refused(tools=[{**TOOL, key: value}]) == f"tools.[0].{key}"
    elif name in CHOICES:
        choice, expected = CHOICES[name]
        asked = ask(tools=[TOOL, {"type": "function", "name": "g"}], tool_choice=choice).messages
        assert asked.parameters["tool_choice"] == expected
        assert (len(asked.tools) == 1) == (status == "emulated")
    else:
        assert (status, refused(tools=[TOOL, {"type": name}])) == ("refused", "tools.[1].type")


def test_no_call_at_all_is_no_call_in_parallel() -> None:
    asked = ask(tools=[TOOL], tool_choice="none", parallel_tool_calls=False).messages
    assert asked.parameters["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(("stop", "status", "reason"), STATUSES)
def test_status(stop: str, status: str, reason: str) -> None:
    response = build_response(message(stop_reason=stop), ask(), 0, 0)
    told = response["incomplete_details"]
    assert (response["status"], f"`{told['reason']}`" if told else "") == (status, reason)


def test_no_name_is_missing_from_the_page() -> None:
    known = CARRIED | UNSUPPORTED.keys() | WITHOUT_EFFECT.keys() | KEPT.keys()
    official = response_create_params.ResponseCreateParamsBase.__annotations__.keys() | {"stream"}
    assert {row[0] for row in PARAMETERS} == known == official == USED.keys() | {"model", "input", "stream"}
    assert {row[0] for row in PARAMETERS if row[1] == "unsupported"} == UNSUPPORTED.keys()
    assert {row[0] for row in PARAMETERS if row[1] == "refused"} == KEPT.keys()
    assert {row[0] for row in ITEMS} == REFUSED_ITEMS.keys() | CARRIED_ITEMS.keys()
    assert {row[0] for row in PARTS} == PIECES.keys()
    assert {row[0] for row in TOOLS} == REFUSED_TOOLS | CHOICES.keys() | {"function"}
