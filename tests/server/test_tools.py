"""The client's tools: offered as written, called as the model calls them, in rounds that the client keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ccproxy_trio.claude.demo.answer import compose
from tests.server.carried import carry
from tests.server.conversations import user
from tests.server.proxy import Backend, open_proxy

if TYPE_CHECKING:
    from tests.fake_api import RecordedRequest
    from tests.server.http_client import Reply

pytestmark = pytest.mark.cli

Json = dict[str, Any]

CITY: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER: Json = {"name": "get_weather", "description": "The weather.", "input_schema": CITY}
TOOLS: tuple[Json, ...] = (
    WEATHER,
    {"name": "empty", "input_schema": {"type": "object"}},
    {
        "type": "custom",
        "name": "strict",
        "strict": True,
        "input_schema": {**CITY, "additionalProperties": False},
    },
    {"name": "examples", "input_schema": CITY, "input_examples": [{"city": "Köln"}, {"city": ""}]},
    {"name": "marked", "input_schema": CITY, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    {"name": "eager", "input_schema": CITY, "eager_input_streaming": True, "defer_loading": False},
    {"name": "long", "description": " \t" + "long, " * 1000 + "\u2028 ", "input_schema": CITY},
    {
        "name": "deep",
        "input_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "anyOf": [{"required": ["b"]}, {"required": ["a b"]}],
            "properties": {
                "b": {"$ref": "#/$defs/b"},
                "a b": {"type": ["string", "null"]},
                "日本": {},
                "a.b": {},
            },
            "$defs": {"b": {"type": "array", "items": {"$ref": "#/$defs/b"}, "minItems": 0, "x": 1.5}},
        },
    },
    *(
        {"name": name, "input_schema": CITY}
        for name in ("Bash", "Read", "Task", "Agent", "Skill", "WebSearch")
    ),
    *(
        {"name": name, "input_schema": CITY}
        for name in ("ToolSearch", "mcp__a__b", "__proto__", "-", "9", "x" * 128)
    ),
    {"type": "bash_20250124", "name": "bash"},
    {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 100},
    {"type": "memory_20250818", "name": "memory"},
)
CHOICES: tuple[Json, ...] = (
    {"type": "auto"},
    {"type": "auto", "disable_parallel_tool_use": True},
    {"type": "any", "disable_parallel_tool_use": False},
    {"type": "none"},
)


def check_answer(reply: Reply, arrived: RecordedRequest) -> list[Json]:
    """The client is given the answer of the model and no other; its blocks."""
    due = compose(arrived.body, f"{arrived.n:06}")
    if reply.headers["content-type"] == "application/json":
        assert reply.json == due.message()
    else:
        deltas = 9 if "deltas=9" in json.dumps(arrived.body["messages"]) else 5
        assert reply.events == [event for event in due.events(deltas) if event["type"] != "ping"]
    return [*due.content]


async def test_definitions_are_the_clients_own(cli: Backend) -> None:
    many = [{**WEATHER, "name": f"tool_{number}", "description": f"Tool {number}."} for number in range(100)]
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        for tools in (*([tool] for tool in TOOLS), [*TOOLS], [*reversed(TOOLS)], many):
            await carry(proxy, "[[dump]]", tools=tools)
            if "name" in tools[0]:
                choice = {"type": "tool", "name": tools[-1]["name"], "disable_parallel_tool_use": True}
                reply, _ = await carry(proxy, "x", tools=tools, tool_choice=choice)
                assert [block["name"] for block in reply.json["content"]] == [choice["name"]]
            _, plain = await carry(proxy, "plain")
            assert plain.body["tools"] == []
        for choice in CHOICES:
            reply, arrived = await carry(proxy, "[[tool=Bash,empty]]", tools=[*TOOLS], tool_choice=choice)
            check_answer(reply, arrived)
        assert (await proxy.settle()).created == 1


SHAPES = (
    "[[tool=get_weather]]",
    "[[tool=get_weather,get_weather,empty]]",
    "[[tool=empty; input={}]]",
    "[[tool=unknown]]",
    "[[tool=unknown,Bash; no_text]]",
    '[[tool=Bash; input={"command":"touch /tmp/made-by-a-tool"}; no_text]]',
    '[[tool=Read; input={"file_path":"/etc/hostname"}; thinking=hm]]',
    "[[tool=AskUserQuestion,ExitPlanMode,TodoWrite,StructuredOutput,ToolSearch,Task; no_text]]",
    "[[tool=get_weather; redacted=eA==; deltas=9]]",
    "[[tool=get_weather; stop=end_turn]]",
    "[[tool=get_weather; stop=pause_turn]]",
    "[[tool=get_weather; stop=max_tokens]]",
    "[[tool=get_weather; search=x]]",
    '[[tool=get_weather; input={"city":"grüße","n":[1.5,null,{"a":"\\u2028"}]}; deltas=9]]',
)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_ends_the_answer(cli: Backend, stream: bool) -> None:
    """Whatever is called the CLI carries out nothing, and asks nobody for more."""
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        for number in range(30):
            prompt = SHAPES[number % len(SHAPES)]
            tools = [*TOOLS[: 1 + number % len(TOOLS)]]
            reply, arrived = await carry(proxy, f"x{number} {prompt}", tools=tools, stream=stream)
            check_answer(reply, arrived)
            assert b"No such tool" not in reply.body
        await carry(proxy, "plain")
        assert (await proxy.settle()).created == 1
        assert proxy.api is not None
        assert len(proxy.api.requests) == 31


async def test_input_is_streamed_in_its_pieces(cli: Backend) -> None:
    wish = '{"city":"grüße, 👋","n":[1,2.5,null]}'
    async with open_proxy(cli) as proxy:
        prompt = f"x [[tool=get_weather,empty; input={wish}; deltas=12]]"
        reply = await proxy.ask(prompt, tools=[*TOOLS], stream=True)
        for index in (1, 2):
            own = [event for event in reply.events if event.get("index") == index]
            assert own[0]["content_block"]["input"] == {}
            deltas = [event["delta"] for event in own if event["type"] == "content_block_delta"]
            assert {delta["type"] for delta in deltas} == {"input_json_delta"}
            assert len(deltas) == 13
            assert json.loads("".join(delta["partial_json"] for delta in deltas)) == json.loads(wish)
        assert reply.events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_rounds_that_the_client_keeps(cli: Backend) -> None:
    """Two conversations of several rounds take turns on one instance; each is sent as the client kept it."""
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        prompts = ("one [[tool=get_weather,empty; rounds=3; thinking=hm]]", "two [[tool=Bash; rounds=2]]")
        kept: list[list[Json]] = [[user(prompt)] for prompt in prompts]
        for number in range(4):
            for messages in kept:
                reply, _ = await carry(proxy, messages, tools=[*TOOLS[number:]], stream=False)
                called = [block["id"] for block in reply.json["content"] if block["type"] == "tool_use"]
                assert (reply.json["stop_reason"] == "tool_use") == bool(called)
                messages.append({"role": "assistant", "content": reply.json["content"]})
                results = [
                    {"type": "tool_result", "tool_use_id": name, "content": f"{number}"} for name in called
                ]
                messages.append({"role": "user", "content": results or "and [[tool=Bash]]"})
        assert (await proxy.settle()).created == 1


async def test_server_tools_answers_are_the_models_own(cli: Backend) -> None:
    tool = {
        "type": "web_search_20250305",
        "name": "web_search",
        "max_uses": 2,
        "allowed_domains": ["a.example"],
    }
    async with open_proxy(cli, pool={"max_size": 1}, claude={"allowed_tools": ("web_search",)}) as proxy:
        for number in range(6):
            prompt = f"x{number} [[search=grüße; container=c1; deltas=9]]"
            reply, arrived = await carry(proxy, prompt, tools=[tool], stream=number % 2 == 1)
            blocks = check_answer(reply, arrived)
            assert [block["type"] for block in blocks] == [
                "server_tool_use",
                "web_search_tool_result",
                "text",
            ]
            history = [user("x"), {"role": "assistant", "content": blocks}, user("and?")]
            await carry(proxy, history, tools=[tool])
        paused, arrived = await carry(proxy, "x [[search=x; stop=pause_turn]]", tools=[tool])
        check_answer(paused, arrived)
        assert (await proxy.settle()).created == 1
