"""POST /v1/messages/count_tokens over both backends: the API's own number, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import trio
from attrs import evolve

from ccproxy_trio.claude.demo.count import count_tokens
from tests.server.conversations import assistant, conversation, user
from tests.server.proxy import Backend, open_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fake_api import FakeApi
    from tests.server.http_client import Reply
    from tests.server.proxy import Proxy

FOO = [{"role": "user", "content": "foo"}]  # what the CLI has its own tools counted with
COUNTING = "token-counting-2024-11-01"
NO_COUNT = (502, "api_error")
HISTORY = [user("one"), assistant("zwei"), user("trois, quatre")]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "it"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "nothing"}
TOOLS = [
    user("look"),
    {"role": "assistant", "content": [{"type": "text", "text": "I do."}, CALL]},
    {"role": "user", "content": [RESULT, {"type": "text", "text": "and?"}]},
]


async def count(proxy: Proxy, messages: Sequence[Mapping[str, Any]], **fields: Any) -> Reply:
    body = {"model": "sonnet", "messages": messages, **fields}
    return await proxy.post(orjson.dumps(body), "/v1/messages/count_tokens")


def counted(api: FakeApi) -> list[Mapping[str, Any]]:
    """The bodies that the API was asked to count."""
    return [request.body for request in api.requests if "count_tokens" in request.path]


async def test_the_number_is_the_apis(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for messages in (
            [user("hello")],
            HISTORY,
            TOOLS,
            [{"role": "user", "content": [IMAGE, *user("it")["content"]]}],
        ):
            before = 0 if proxy.api is None else len(counted(proxy.api))
            reply = await count(proxy, messages)
            assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
            assert reply.json == {"input_tokens": count_tokens({"messages": messages})}
            if proxy.api is not None:
                asked = [body for body in counted(proxy.api)[before:] if body["messages"] != FOO]
                assert [conversation(body) for body in asked] == [messages]
                assert asked[0]["model"] == "claude-sonnet-5-5"
        assert (await proxy.settle()).created == 1
        assert proxy.upstream == []  # nothing was asked of the model itself


async def test_a_system_prompt_is_counted_as_a_message(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        marked = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
        system = [marked, {"type": "text", "text": "Be kind."}]
        alone = count_tokens({"messages": [user("Be brief.\n\nBe kind.")]})
        reply = await count(proxy, HISTORY, system=system)
        assert reply.json == {"input_tokens": alone + count_tokens({"messages": HISTORY})}
        assert (await proxy.settle()).created == 1
        assert (await count(proxy, HISTORY, system=[])).json == {
            "input_tokens": count_tokens({"messages": HISTORY})
        }
        assert (await proxy.settle()).created == 2


@pytest.mark.cli
async def test_nobody_elses_system_prompt_is_counted(cli: Backend) -> None:
    """The CLI has the one that it is bound to counted by the API as well, whoever's that is."""
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        assert proxy.api is not None
        assert (await proxy.ask("x", system="This is Ada's.")).status == 200
        for system in ("This is Bob's.", "", "This is Ada's."):
            before = len(proxy.api.requests)
            assert (await count(proxy, HISTORY, system=system)).status == 200
            bodies = json.dumps([request.body for request in proxy.api.requests[before:]])
            assert [name for name in ("Ada", "Bob") if name in bodies] == [
                name for name in ("Ada", "Bob") if name in system
            ]


async def test_what_changes_no_count(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        fields = {
            "tools": [],
            "tool_choice": {"type": "none"},
            "thinking": {"type": "disabled"},
            "output_config": {"effort": None},
            "cache_control": {"type": "ephemeral"},
            "speed": "standard",
            "context_management": None,
        }
        assert (await count(proxy, HISTORY, **fields)).json == {
            "input_tokens": count_tokens({"messages": HISTORY})
        }


async def test_a_count_that_the_api_refuses_is_none(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for status in (400, 529):
            reply = await count(proxy, [user(f"hello, hello, hello [[status={status}]]")])
            assert reply.failure[:2] == NO_COUNT
            assert reply.failure[2].startswith("the upstream API gave no count: ")
        assert (await count(proxy, HISTORY)).status == 200
        assert (await proxy.settle()).created == 1


@pytest.mark.cli
async def test_an_api_that_is_not_there_gives_no_count(cli: Backend) -> None:
    environ = {**cli.environ, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    async with open_proxy(evolve(cli, environ=environ)) as proxy:
        for messages in ([user("a")], [user("hello " * 20)]):
            assert (await count(proxy, messages)).failure[:2] == NO_COUNT
        assert (await proxy.settle()).in_use == 0


@pytest.mark.cli
async def test_a_count_that_equals_the_clis_estimate_is_told_from_one(cli: Backend) -> None:
    """To this model the CLI gives a token for every three characters, and the fake API one for every four."""
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        assert proxy.api is not None
        more = [assistant("ok"), user("ok")]
        for messages in ([user("x" * 144)], [user("a"), assistant("b"), user("y" * 246)]):
            before = len(counted(proxy.api))
            told = (await count(proxy, messages)).json["input_tokens"]
            assert told == count_tokens({"messages": messages})
            asked = [conversation(body) for body in counted(proxy.api)[before:] if body["messages"] != FOO]
            assert asked == [messages, [*messages, *more], [*messages, *more, *more]]


async def test_nothing_of_a_count_stays(backend: Backend) -> None:
    secret = "xyzzy " * 30
    counts = (
        [user(secret)],
        [user("a"), assistant(secret), user("b")],
        [*TOOLS, assistant(secret), user("c")],
        [user(f"{secret} [[status=400]]")],
    )
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for messages in counts:
            assert (await proxy.ask("hello")).status == 200
            assert (await count(proxy, messages, system=f"{secret} too")).status in (200, 502)
            found = json.loads((await proxy.ask("[[dump]]")).text)
            assert conversation(found) == [user("[[dump]]")]
            assert "xyzzy" not in json.dumps(found)
        assert (await proxy.settle()).created == 1
        assert holding(b"xyzzy", Path(backend.environ["HOME"])) == []


def holding(word: bytes, folder: Path) -> list[Path]:
    """The files below a folder with this word in them."""
    return [path for path in folder.rglob("*") if path.is_file() and word in path.read_bytes()]


async def test_a_client_that_leaves(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        for wait in (0.0, 0.002, 0.01):
            with trio.move_on_after(wait):
                await count(proxy, HISTORY, system="Be brief.")
            await proxy.settle()
        assert (await count(proxy, HISTORY)).status == 200


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"tools": [{"name": "a", "input_schema": {"type": "object"}}]},
            "tools: this server cannot count it",
        ),
        ({"thinking": {"type": "adaptive"}}, "thinking: this server cannot count it"),
        ({"max_tokens": 10}, "max_tokens: Extra inputs are not permitted"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"model": ""}, "model: String should have at least 1 character"),
    ],
)
async def test_refusals(demo: Backend, fields: dict[str, Any], message: str) -> None:
    async with open_proxy(demo) as proxy:
        status, kind, told = (await count(proxy, **{"messages": HISTORY, **fields})).failure
        assert (status, kind) == (400, "invalid_request_error")
        assert told.startswith(message)
        assert proxy.statistics.acquired == 0


async def test_betas(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        body = orjson.dumps({"model": "sonnet", "messages": HISTORY})
        for headers, ignored in (
            ({"anthropic-beta": COUNTING}, None),
            ({"anthropic-beta": "some-2026-01-01"}, "anthropic-beta"),
            ({"anthropic-beta": COUNTING, "Anthropic-Beta": "some-2026-01-01"}, "anthropic-beta"),
        ):
            reply = await proxy.post(body, "/v1/messages/count_tokens?beta=true", **headers)
            assert reply.status == 200
            assert reply.headers.get("x-ccproxy-ignored") == ignored


async def test_no_cli_that_can_be_started(demo: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_proxy(
        demo, pool={"min_size": 0, "warmup_on_startup": False, "acquire_timeout": 0.3}
    ) as proxy:
        monkeypatch.setattr("ccproxy_trio.claude.launcher.open_instance", refuse)
        assert (await count(proxy, HISTORY)).failure[:2] == (529, "overloaded_error")


def refuse(*_: object) -> None:
    raise OSError("no luck")
