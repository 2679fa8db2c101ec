"""Chat completions over plain HTTP: how they are asked for, and what is read of their answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from tests.server.http_client import Reply
    from tests.server.proxy import Proxy

PATH = "/v1/chat/completions"
DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"


def body_of(prompt: Any, **fields: Any) -> bytes:
    """The body of a request: for a prompt, or for a list of messages."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return orjson.dumps({"model": "sonnet", "messages": messages, **fields})


async def chat(proxy: Proxy, prompt: Any, *, path: str = PATH, **fields: Any) -> Reply:
    """Ask, and read the whole answer."""
    return await proxy.post(body_of(prompt, **fields), path)


def said(reply: Reply) -> str:
    """The text of an answer, streamed or not."""
    assert reply.status == 200, reply
    if reply.headers["content-type"] == "application/json":
        (choice,) = reply.json["choices"]
        return str(choice["message"]["content"])
    assert reply.body.endswith(DONE)
    deltas = [choice["delta"] for chunk in chunks_of(reply.body) for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def chunks_of(body: bytes) -> list[Any]:
    """What the lines of a stream hold, pings and the last line left out; an error is among them as it is."""
    *frames, rest = body.split(b"\n\n")
    assert rest == b""
    told = [frame for frame in frames if frame + b"\n\n" not in {PING, DONE}]
    assert all(frame.startswith(b"data: {") for frame in told), told
    return [json.loads(frame.removeprefix(b"data: ")) for frame in told]


def error_of(reply: Reply) -> tuple[int, str, str | None, str | None, str]:
    """Status, type, code, parameter and message of a failure; its shape is checked on the way."""
    if reply.status == 200:
        body = chunks_of(reply.body)[-1]
        assert DONE not in reply.body
    else:
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-request-id"].startswith("req_")
        assert "request-id" not in reply.headers
        body = reply.json
    assert body.keys() == {"error"}
    error = body["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return reply.status, error["type"], error["code"], error["param"], error["message"]
