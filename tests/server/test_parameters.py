"""Every parameter alone and all together, on one instance: each reaches the API, and nothing the request after it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ccproxy_trio.dialects.anthropic.request import FIELDS
from tests.server.carried import MODELS, WITHOUT_EFFORT, carry
from tests.server.conversations import user
from tests.server.proxy import Backend, open_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.cli

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
TOOL = {"name": "look", "description": "Look it up.", "input_schema": {"type": "object"}}
EDITS = {"edits": [{"type": "clear_tool_uses_20250919", "trigger": {"type": "input_tokens", "value": 30000}}]}

PARAMETERS: tuple[dict[str, Any], ...] = (
    {"temperature": 0},
    {"temperature": 0.0},
    {"temperature": 0.7},
    {"temperature": 1.0},
    {"top_p": 0.95},
    {"top_k": 40},
    {"stop_sequences": []},
    {"stop_sequences": ["END", "\n\nHuman:", "日本 ", "]]"]},
    {"max_tokens": 1},
    {"max_tokens": 200_000},
    {"metadata": {}},
    {"metadata": {"user_id": "user-1"}},
    {"metadata": {"user_id": None}},
    {"service_tier": "standard_only"},
    {"service_tier": "auto"},
    {"thinking": {"type": "disabled"}},
    {"thinking": {"type": "adaptive"}},
    {"thinking": {"type": "adaptive", "display": "omitted"}},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1025},
    {"output_config": {}},
    {"output_config": {"effort": "low"}},
    {"output_config": {"effort": "max"}},
    {"output_config": {"effort": None}},
    {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    {"output_config": {"effort": "medium", "format": {"type": "json_schema", "schema": SCHEMA}}},
    {"output_config": {"format": None}},
    {"output_format": {"type": "json_schema", "schema": SCHEMA}},
    {"cache_control": {"type": "ephemeral"}},
    {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
    {"cache_control": None},
    {"context_management": EDITS},
    {"context_management": None},
    {"diagnostics": {"previous_message_id": None}},
    {"inference_geo": "us"},
    {"speed": "fast"},
    {"tools": []},
    {"tools": [TOOL]},
    {"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    {"tools": [TOOL], "tool_choice": {"type": "any"}},
    {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "look"}},
    {"tools": [TOOL], "tool_choice": {"type": "none"}},
    {"tool_choice": {"type": "none"}},
    {"stream": True},
    {"system": []},
)
ALL = {key: value for fields in PARAMETERS for key, value in fields.items() if value is not None}
ALL = {**ALL, "output_config": {"effort": "low"}, "tools": [TOOL], "max_tokens": 5000}


def test_every_parameter_is_here() -> None:
    assert FIELDS - ALL.keys() == {"model", "messages"}


async def test_each_reaches_the_api_and_is_gone_with_the_next_request(cli: Backend) -> None:
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        _, fresh = await carry(proxy, "plain")
        for fields in (*PARAMETERS, ALL):
            betas = "one-2025-01-01" if fields is ALL else ""
            # An answer that is over at once would leave no time to hold back what the CLI asks after it.
            prompt = "what now [[gap=0.01]]" if fields.get("max_tokens") == 1 else "what now"
            reply, _ = await carry(proxy, prompt, betas=betas, **fields)
            assert "x-ccproxy-ignored" not in reply.headers, fields
            _, plain = await carry(proxy, "plain")
            assert _named(plain.body) == _named(fresh.body), fields
            assert _stable(plain.headers) == _stable(fresh.headers), fields
        assert (await proxy.settle()).created == 1
        assert len(proxy.api.requests) == 1 + 2 * (len(PARAMETERS) + 1)


def _named(body: Mapping[str, Any]) -> str:
    """All of it but the id of the session."""
    identity = json.loads(body["metadata"]["user_id"])
    return json.dumps({**body, "metadata": {**identity, "session_id": ""}})


def _stable(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "x-claude-code-session-id"}


async def test_betas_join_those_of_the_cli(cli: Backend) -> None:
    own = ["claude-code-20250219", "interleaved-thinking-2025-05-14", "effort-2025-11-24"]
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        for betas, due in (
            ("", own),
            ("one-2025-01-01", [*own, "one-2025-01-01"]),
            ("b.2 ,, a_1,effort-2025-11-24,b.2", [*own, "b.2", "a_1"]),
            ("", own),
        ):
            for fields in ({}, {"output_config": {"effort": "low"}}):
                reply, arrived = await carry(proxy, "x", betas=betas, **fields)
                assert arrived.headers["anthropic-beta"] == ",".join(due)
                assert "x-ccproxy-ignored" not in reply.headers
        assert (await proxy.settle()).created == 1


async def test_models_take_turns_on_one_instance(cli: Backend) -> None:
    """By every name of the CLI's own and by the API's, without a request to try them; thinking goes with each."""
    said = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "text", "text": "well"},
    ]
    history = [*({"role": "user", "content": "one"}, {"role": "assistant", "content": said}), user("two")]
    names = (*MODELS, *sorted(WITHOUT_EFFORT), "claude-opus-4-5", "claude-some-1", "sonnet")
    async with open_proxy(cli, pool={"max_size": 1}, claude={"models": {"gpt-4": "opus"}}) as proxy:
        for name in names:
            reply, arrived = await carry(proxy, "x", model=name)
            assert reply.json["model"] == arrived.body["model"]
            await carry(proxy, history, model=name)
        assert (await proxy.ask("x", model="gpt-4")).json["model"] == MODELS["opus"]
        assert (await proxy.settle()).created == 1
        assert [request.path for request in proxy.api.requests] == ["/v1/messages?beta=true"] * (
            2 * len(names) + 1
        )
