"""docs/compatibility-openai.md says of every parameter, role, part and tool what is really done with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.openai import ChatRequest, Unsupported, build_completion, parse_chat_request
from ccproxy_trio.dialects.openai.errors import error_kind
from ccproxy_trio.dialects.openai.fields import CARRIED, REPLACED, UNSUPPORTED, WITHOUT_EFFECT
from ccproxy_trio.dialects.openai.parameters import DEFAULT_MAX_TOKENS, JSON_INSTRUCTION

from .chats import CALL, RESULT, TOOL, USER, allowed, file, image, user

PAGE = (Path(__file__).parents[3] / "docs" / "compatibility-openai.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[2:]]


def plain(heading: str) -> list[list[str]]:
    return [[first.strip("`"), second.strip("`"), *rest] for first, second, *rest in rows(heading)]


PARAMETERS, ROLES, KEYS = plain("Parameters"), plain("Roles of messages"), plain("Keys of messages")
PARTS, TOOLS, FORMATS = plain("Parts of content"), plain("Tools"), plain("Formats of the answer")
EFFORTS, STOPS, ERRORS = rows("Reasoning efforts"), plain("The answer"), rows("Errors")

USED: dict[str, Any] = {
    "audio": {"format": "wav", "voice": "alloy"},
    "frequency_penalty": 0.5,
    "function_call": "none",
    "functions": [],
    "logit_bias": {"1": 1},
    "logprobs": True,
    "max_completion_tokens": 5,
    "max_tokens": 5,
    "metadata": {"a": "b"},
    "modalities": ["audio"],
    "moderation": {"model": "m"},
    "n": 2,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "k",
    "prompt_cache_options": {},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "safety_identifier": "u",
    "seed": 1,
    "service_tier": "auto",
    "stop": "END",
    "store": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "tool_choice": "required",
    "tools": [TOOL],
    "top_logprobs": 1,
    "top_p": 0.5,
    "user": "u",
    "verbosity": "low",
    "web_search_options": {},
}


def ask(**fields: Any) -> ChatRequest:
    body = {"model": "gpt-4o", "messages": [USER], **fields}
    return parse_chat_request(orjson.dumps(body))


def refused(**fields: Any) -> str:
    with pytest.raises(Unsupported) as caught:
        ask(**fields)
    return caught.value.field


@pytest.mark.parametrize(("name", "status", "notes"), [row for row in PARAMETERS if row[0] in USED])
def test_parameter(name: str, status: str, notes: str) -> None:
    beside = {"stream": True, "tools": [TOOL]}
    fields = {**beside, name: USED[name]}
    match status:
        case "honoured" | "emulated":
            assert ask(**fields).ignored == ()
            without = ask(**{key: value for key, value in beside.items() if key != name})
            assert (ask(**fields).messages, ask(**fields).include_usage) != (without.messages, False)
        case "ignored":
            assert ask(**fields) == ask(**beside).__class__(
                ask(**beside).messages, ask(**beside).places, ignored=(name,)
            )
        case "unsupported" | "refused":
            assert refused(**fields) == name
            if status == "unsupported":
                left_out = parse_chat_request(
                    orjson.dumps({"model": "gpt-4o", "messages": [USER], **fields}), unsupported="ignore"
                )
                assert (left_out.messages, left_out.ignored) == (ask(**beside).messages, (name,))
        case _:
            pytest.fail(status)
    assert ask(**{**beside, name: None}).ignored == ()
    if neutral := re.search(r"but for (?:`(.+)`|(\w+))", notes):
        told = neutral[1] or neutral[2]
        if told != "json_object":
            value = orjson.loads(told) if re.match(r"[\[{\d]|false", told) else told
            assert ask(**{**beside, name: value}).messages == ask(**beside).messages


@pytest.mark.parametrize("name", ["model", "messages"])
def test_what_is_required(name: str) -> None:
    assert [notes.startswith("required") for row, _, notes in PARAMETERS if row == name] == [True]
    body = {"model": "gpt-4o", "messages": [USER]}
    del body[name]
    with pytest.raises(InvalidRequest, match=f"{name}: Field required"):
        parse_chat_request(orjson.dumps(body))


def test_stream() -> None:
    assert ask(stream=True).stream
    assert not ask().stream


def test_notes_of_parameters() -> None:
    assert f"{DEFAULT_MAX_TOKENS:,} tokens" in PAGE
    assert ask().messages.max_tokens == DEFAULT_MAX_TOKENS
    assert refused(temperature=1.5) == "temperature"
    assert refused(service_tier="priority") == "service_tier"
    assert refused(stop=" ") == "stop"
    assert ask(stream=True, stream_options={"include_obfuscation": True}).ignored == (
        "stream_options.include_obfuscation",
    )
    assert ask(user="a", safety_identifier="b").ignored == ("user",)


CALLING = {"role": "assistant", "tool_calls": [CALL]}
CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "system": [{"role": "system", "content": "x"}, USER],
    "developer": [{"role": "developer", "content": "x"}, USER],
    "user": [{"role": "user", "content": "x"}],
    "assistant": [USER, {"role": "assistant", "content": "x"}, USER],
    "tool": [USER, CALLING, RESULT],
    "function": [USER, {"role": "function", "name": "f", "content": "x"}],
}


@pytest.mark.parametrize(("role", "status", "notes"), ROLES)
def test_role(role: str, status: str, notes: str) -> None:
    messages = CONVERSATIONS[role]
    if status == "refused":
        assert refused(messages=messages) == "messages.[1].role"
        return
    asked = ask(messages=messages).messages
    assert (asked.system == ("x",)) == (status == "emulated")
    assert status == "emulated" or b'"x"' in orjson.dumps([message.content for message in asked.messages])


@pytest.mark.parametrize(("name", "status", "notes"), KEYS)
def test_key(name: str, status: str, notes: str) -> None:
    role, key = name.split(".")
    value: Any = {
        "annotations": [{}],
        "audio": {"id": "a"},
        "function_call": {"name": "f", "arguments": "{}"},
        "tool_calls": [CALL],
    }.get(key, "x")
    messages = [dict(message) for message in CONVERSATIONS[role]]
    [index] = [
        n for n, message in enumerate(messages) if message["role"] == role and message.get("content") == "x"
    ]
    messages[index][key] = value
    if key == "tool_calls":
        messages.insert(index + 1, RESULT)
    path = f"messages.[{index}].{key}"
    if status == "refused":
        assert refused(messages=messages) == path
        return
    assert ask(messages=messages).ignored == ((path,) if status == "ignored" else ())
    before = ask(messages=CONVERSATIONS[role]).messages
    assert (ask(messages=messages).messages == before) == (status == "ignored")


PNG = "data:image/png;base64,iVBORw0KGgo="
PIECES: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": "x"},
    "refusal": {"type": "refusal", "refusal": "x"},
    "image_url": image(PNG),
    "file": file(file_data="data:application/pdf;base64,JVBE"),
    "input_audio": {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
}
BLOCKS = {"text": "text", "refusal": "text", "image_url": "image", "file": "document"}


@pytest.mark.parametrize(("kind", "status", "notes"), PARTS)
def test_part(kind: str, status: str, notes: str) -> None:
    if status == "refused":
        assert refused(messages=[user(PIECES[kind])]) == "messages.[0].content.[0].type"
        return
    role = "assistant" if kind == "refusal" else "user"
    marked = {**PIECES[kind], "prompt_cache_breakpoint": {"mode": "explicit"}}
    request = ask(messages=[USER, {"role": role, "content": [marked]}, USER])
    [block] = [b for m in request.messages.messages for b in m.content if b.get("text") != "Hi"]
    assert block["type"] == BLOCKS[kind]
    assert request.ignored == ("messages.[1].content.[0].prompt_cache_breakpoint",)


CHOICES: dict[str, tuple[Any, Any]] = {
    "auto": ("auto", {"type": "auto"}),
    "none": ("none", {"type": "none"}),
    "required": ("required", {"type": "any"}),
    "named": ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    "allowed_tools": (allowed("f"), {"type": "auto"}),
}


@pytest.mark.parametrize(("name", "status", "notes"), TOOLS)
def test_tool(name: str, status: str, notes: str) -> None:
    other = {"type": "function", "function": {"name": "g"}}
    match name:
        case "function":
            assert ask(tools=[TOOL]).messages.tools[0]["name"] == "f"
        case "custom":
            assert (status, refused(tools=[{"type": "custom"}])) == ("refused", "tools.[0].type")
        case _:
            choice, expected = CHOICES[name]
            asked = ask(tools=[TOOL, other], tool_choice=choice).messages
            assert asked.parameters["tool_choice"] == expected
            assert (len(asked.tools) == 1) == (status == "emulated")


@pytest.mark.parametrize(("kind", "status", "notes"), FORMATS)
def test_format(kind: str, status: str, notes: str) -> None:
    schema = {"type": "object", "properties": {}}
    fields = {"json_schema": {"name": "A", "schema": schema}} if kind == "json_schema" else {}
    request = ask(response_format={"type": kind, **fields}).messages
    assert (request.system == (JSON_INSTRUCTION,)) == (status == "emulated")
    expected = {"format": {"type": "json_schema", "schema": schema}} if fields else None
    assert request.parameters.get("output_config") == expected


@pytest.mark.parametrize(("name", "effort", "thinking"), EFFORTS)
def test_effort(name: str, effort: str, thinking: str) -> None:
    parameters = ask(reasoning_effort=name.strip("`")).messages.parameters
    told = [parameters.get("output_config", {}).get("effort"), parameters.get("thinking", {}).get("type")]
    assert [f"`{each}`" if each else "" for each in told] == [effort, thinking]


@pytest.mark.parametrize(("stop", "finish"), STOPS)
def test_finish_reason(stop: str, finish: str) -> None:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "msg_1", "model": "m", "content": [], "stop_reason": stop, "usage": usage}
    assert build_completion(message, 0)["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize(("status", "told", "kind", "code"), ERRORS)
def test_error(status: str, told: str, kind: str, code: str) -> None:
    error = error_kind(Failure(int(status), "?"))
    assert (str(error.status), f"`{error.type}`", f"`{error.code}`" if error.code else "") == (
        told,
        kind,
        code,
    )


def test_no_name_is_missing_from_the_page() -> None:
    known = CARRIED | UNSUPPORTED.keys() | WITHOUT_EFFECT.keys() | REPLACED.keys()
    assert {row[0] for row in PARAMETERS} == known == USED.keys() | {"model", "messages", "stream"}
    assert {row[0] for row in PARAMETERS if row[1] == "unsupported"} == UNSUPPORTED.keys()
    assert {row[0] for row in PARAMETERS if row[1] == "ignored"} == WITHOUT_EFFECT.keys()
    assert {row[0] for row in ROLES} == CONVERSATIONS.keys()
    assert {row[0] for row in PARTS} == PIECES.keys()
    assert {row[0] for row in TOOLS} == CHOICES.keys() | {"function", "custom"}
