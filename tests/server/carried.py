"""What must reach the API for a client's request: its own fields, and the written list of what is made of them.

The whole body upstream is compared, with the order of keys within its fields, so that all that is not listed fails:

* `system`: two blocks of the CLI's own, then the client's texts as one block; `tools`: [] when there are none;
* `messages`: a string is one block of text; consecutive messages of one role are one; a call of a tool, and an image
  sent as base64, have no keys but their own;
* `stream` is true; `thinking` is disabled, and `metadata` the CLI's own, unless the client gave them;
* `output_config`: the effort is high unless the client gave one, for models that the CLI knows to take an effort;
  `output_format` becomes its `format`;
* a mark for caching on the system prompt becomes three of the CLI's own;
* numbers and objects are what JavaScript makes of them: 1.0 is 1, and keys that are whole numbers come first.

What it adds that differs from one session to the next, two ids and a hash, is left out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fake_api import RecordedRequest
    from tests.server.http_client import Reply
    from tests.server.proxy import Proxy

Json = dict[str, Any]

MODELS = {
    **dict.fromkeys(("opus", "default", "best", "opus[1m]"), "claude-opus-5-5"),
    **dict.fromkeys(("sonnet", "opusplan", "sonnet[1m]"), "claude-sonnet-5-5"),
    "haiku": "claude-haiku-5-5",
}
"""The CLI's own names of models."""
WITHOUT_EFFORT = frozenset(
    {"claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-1", "claude-sonnet-4-20250514"}
)

_OWN_SYSTEM = ("x-anthropic-billing-header", "You are a Claude agent, built on Anthropic's Claude Agent SDK.")
_BILLING = re.compile(r"x-anthropic-billing-header: cc_version=[\d.]+\.\w+; cc_entrypoint=sdk-cli;")
_OWN_FIELDS = {"model", "messages", "system", "stream", "tools", "thinking", "output_config", "output_format"}
_KEYS = {"tool_use": ("type", "id", "name", "input"), "image": ("type", "source")}


async def carry(
    proxy: Proxy, prompt: Any, *, betas: str = "", **fields: Any
) -> tuple[Reply, RecordedRequest]:
    """Ask, and check that this and nothing else has reached the API, once."""
    assert proxy.api is not None
    before = len(proxy.api.requests)
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    asked = {"model": "sonnet", "max_tokens": 1000, "messages": messages, **fields}
    reply = await proxy.post(orjson.dumps(asked), **({"anthropic-beta": betas} if betas else {}))
    assert reply.status == 200, reply
    (arrived,) = proxy.api.requests[before:]
    check_body(arrived.body, asked)
    return reply, arrived


def check_body(body: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """What arrived is what had to, key by key, each byte for byte."""
    found, wanted = without_ids(body), upstream_body(asked)
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        anyhow = key == "output_config"  # which the CLI adds to
        arrived, due = (json.dumps(each, sort_keys=anyhow) for each in (found[key], value))
        at = next((at for at, pair in enumerate(zip(arrived, due, strict=False)) if pair[0] != pair[1]), 0)
        assert arrived == due, f"{key}: {arrived[max(0, at - 80) : at + 300]} instead of {due[at : at + 300]}"


def without_ids(body: Mapping[str, Any]) -> Json:
    """The body without what the CLI adds that is never the same."""
    billing, *others = body["system"]
    assert _BILLING.fullmatch(billing["text"]), billing
    found = {**body, "system": [{**billing, "text": _OWN_SYSTEM[0]}, *others]}
    identity = body["metadata"].get("user_id") or ""
    if identity.startswith("{"):
        assert json.loads(identity).keys() == {"device_id", "account_uuid", "session_id"}
        found["metadata"] = "the CLI's own"
    return found


def upstream_body(asked: Mapping[str, Any]) -> Json:
    """The body that is due for a client's."""
    body: Json = {key: value for key, value in asked.items() if key not in _OWN_FIELDS and value is not None}
    body["model"] = MODELS.get(asked["model"], asked["model"])
    body["messages"] = turns(asked["messages"])
    given = asked.get("system") or []
    blocks = [{"type": "text", "text": given}] if isinstance(given, str) else given
    text = "\n\n".join(block["text"] for block in blocks)
    body["system"] = [{"type": "text", "text": each} for each in (*_OWN_SYSTEM, *([text] if text else []))]
    marks = [block["cache_control"] for block in blocks if block.get("cache_control")]
    if marks:
        long = any(mark.get("ttl") == "1h" for mark in marks)
        mark = {"type": "ephemeral", **({"ttl": "1h"} if long else {})}
        for block in (*body["system"][1:], body["messages"][-1]["content"][-1]):
            block["cache_control"] = mark
    body["tools"] = asked.get("tools", [])
    body["stream"] = True
    body.setdefault("metadata", "the CLI's own")
    body["thinking"] = asked.get("thinking", {"type": "disabled"})
    config = dict(asked.get("output_config") or {})
    if "output_format" in asked:
        config["format"] = asked["output_format"]
    if body["model"] not in WITHOUT_EFFORT:
        config.setdefault("effort", "high")
    if config:
        body["output_config"] = config
    wanted: Json = _as_javascript(body)
    return wanted


def turns(messages: Sequence[Mapping[str, Any]]) -> list[Json]:
    """The messages as they are due upstream."""
    found: list[Json] = []
    for message in messages:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not found or found[-1]["role"] != message["role"]:
            found.append({"role": message["role"], "content": []})
        found[-1]["content"] += [_as_rebuilt(block) for block in blocks]
    return found


def _as_rebuilt(block: Mapping[str, Any]) -> Json:
    rebuilt = block["type"] == "tool_use" or (
        block["type"] == "image" and block["source"]["type"] == "base64"
    )
    return {key: block[key] for key in _KEYS[block["type"]]} if rebuilt else dict(block)


def _as_javascript(value: Any) -> Any:
    if isinstance(value, dict):
        first = sorted((key for key in value if re.fullmatch(r"0|[1-9]\d*", key)), key=int)
        return {
            key: _as_javascript(value[key]) for key in (*first, *(key for key in value if key not in first))
        }
    if isinstance(value, list):
        return [_as_javascript(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
