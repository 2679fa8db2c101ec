"""Structured output: the schema reaches the API as it is, and the answer the client, whole and in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ccproxy_trio.claude.demo.schema import satisfy
from tests.server.carried import carry
from tests.server.conversations import assistant, user
from tests.server.proxy import Backend, open_proxy

pytestmark = pytest.mark.cli

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "Full, as written: \u201eä\u201c\u2028"},
        "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"enum": ["b", "a", None]}},
        "parent": {"$ref": "#/$defs/person"},
        "2": {"const": 1.5},
        "10": {"type": "number"},
    },
    "required": ["name", "parent"],
    "additionalProperties": False,
    "$defs": {"person": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
}
WIDE: dict[str, Any] = {
    "type": "object",
    "properties": {f"field_{n}": {"type": "string", "description": "x" * 300} for n in range(200)},
}
SCHEMAS = (PERSON, {"type": "object"}, {"type": "object", "properties": {}}, WIDE)
TOOL = {"name": "look", "input_schema": PERSON, "strict": True}


def config(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"format": {"type": "json_schema", "schema": schema}, **more}


async def test_the_schema_and_the_answer(cli: Backend) -> None:
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        for schema in SCHEMAS:
            for stream in (False, True):
                reply, _ = await carry(proxy, "a person", output_config=config(schema), stream=stream)
                assert json.loads(reply.text.rstrip(".")) == satisfy(schema)
            # Nothing of it is left for the next.
            plain, _ = await carry(proxy, "plain")
            assert plain.text == "Demo echo: plain"
        assert (await proxy.settle()).created == 1


async def test_the_name_that_it_had_before(cli: Backend) -> None:
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        reply, _ = await carry(proxy, "a person", output_format=config(PERSON)["format"])
        assert json.loads(reply.text) == satisfy(PERSON)


async def test_beside_everything_else(cli: Backend) -> None:
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        history = [user("one"), assistant('{"name": "a"}'), user("two")]
        for effort in ("low", "max", "high"):
            reply, arrived = await carry(
                proxy,
                history,
                output_config=config(PERSON, effort=effort),
                tools=[TOOL],
                thinking={"type": "adaptive"},
                system="Be brief.",
            )
            assert "effort-2025-11-24" in arrived.headers["anthropic-beta"]
            assert json.loads(reply.text) == satisfy(PERSON)
        assert (await proxy.settle()).created == 1


async def test_on_models_without_effort(cli: Backend) -> None:
    """The schema goes to them as well; an effort is refused, for the CLI would leave it out."""
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        model = "claude-sonnet-4-5"
        reply, _ = await carry(proxy, "a person", model=model, output_config=config(PERSON))
        assert json.loads(reply.text) == satisfy(PERSON)
        for wanted in ({"effort": "low"}, config(PERSON, effort="low")):
            refused = await proxy.ask("a person", model=model, output_config=wanted)
            assert refused.failure[:2] == (400, "invalid_request_error")
            assert refused.failure[2].startswith("output_config.effort: ")
        assert proxy.api is not None
        assert len(proxy.api.requests) == 1


async def test_an_answer_that_is_cut_short(cli: Backend) -> None:
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        prompt = "a person [[stop=max_tokens; gap=0.1]]"
        for stream in (False, True):
            reply, _ = await carry(proxy, prompt, output_config=config(PERSON), stream=stream)
            ended = reply.events[-2]["delta"] if stream else reply.json
            assert ended["stop_reason"] == "max_tokens"
        await carry(proxy, "plain")
