"""Requests for a response over plain HTTP: how they are made, and what is read of their answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from tests.server.http_client import Reply
    from tests.server.proxy import Proxy

PATH = "/v1/responses"
PING = b": ping\n\n"
USER = {"role": "user", "content": "x"}


def body_of(asked: Any, **fields: Any) -> bytes:
    """The body of a request: for a prompt, or for a list of items."""
    return orjson.dumps({"model": "sonnet", "input": asked, **fields})


async def respond(proxy: Proxy, asked: Any, *, path: str = PATH, **fields: Any) -> Reply:
    """Ask, and read the whole answer."""
    return await proxy.post(body_of(asked, **fields), path)


def events_of(body: bytes) -> list[Any]:
    """The events of a stream, each checked to stand under its name in its two lines; pings left out."""
    *frames, rest = body.replace(PING, b"").split(b"\n\n")
    assert rest == b""
    events = []
    for frame in frames:
        name, data = frame.split(b"\n")
        events.append(json.loads(data.removeprefix(b"data: ")))
        assert name.decode() == f"event: {events[-1]['type']}"
    return events


def said(reply: Reply) -> str:
    """The text of an answer, streamed or not."""
    assert reply.status == 200, reply
    if reply.headers["content-type"] == "application/json":
        response = reply.json
    else:
        *events, last = events_of(reply.body)
        assert last["type"] == "response.completed"
        response = last["response"]
        deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    parts = [part["text"] for item in response["output"] if "content" in item for part in item["content"]]
    text = "".join(parts)
    assert reply.headers["content-type"] == "application/json" or "".join(deltas) == text
    return text


def error_of(reply: Reply) -> tuple[int, str, str | None, str | None, str]:
    """Status, type, code, parameter and message of a failure; its shape is checked on the way."""
    if reply.status == 200:
        *_, failed, last = events_of(reply.body)
        assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
        assert last.pop("sequence_number") == failed["sequence_number"] + 1
        error = last.pop("error")
        flat = {"type": "error", **{key: value for key, value in error.items() if key != "type"}}
        assert last == flat
        assert failed["response"]["error"]["message"] == error["message"]
    else:
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-request-id"].startswith("req_")
        assert "request-id" not in reply.headers
        assert reply.json.keys() == {"error"}
        error = reply.json["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return reply.status, error["type"], error["code"], error["param"], error["message"]
