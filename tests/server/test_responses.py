"""POST /v1/responses over plain HTTP: an answer's events, silences in it, clients that leave, what has no effect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.server.asked_responses import PATH, PING, USER, body_of, error_of, events_of, respond, said
from tests.server.http_client import fetch, open_exchange
from tests.server.proxy import Backend, eventually, open_proxy

if TYPE_CHECKING:
    from tests.server.proxy import Proxy

Json = dict[str, Any]
SONNET = "claude-sonnet-5-5"
TOOL = {"type": "function", "name": "find", "parameters": {"type": "object"}, "strict": False}
TOLD: Json = {
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "model": SONNET,
    "object": "response",
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": None,
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What an answer tells of itself, and of a request that set nothing."""
USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 14,
}

REFUSED = (400, "invalid_request_error", "unsupported_parameter")


def part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message(base: str, index: int, status: str, *parts: Json) -> Json:
    kind = {"type": "message", "role": "assistant"}
    return {"id": f"msg_{base}_{index}", **kind, "status": status, "content": list(parts)}


def check_response(response: Json, **due: Any) -> str:
    """A response that is exactly this, but for its id, which is returned without its prefix, and its times."""
    assert response.pop("created_at") > 1_700_000_000
    completed = response.pop("completed_at")
    assert completed > 1_700_000_000 if due["status"] == "completed" else completed is None
    base = response.pop("id").removeprefix("resp_")
    assert re.fullmatch(r"\w+", base)
    assert response == {**TOLD, **due}
    return str(base)


async def test_a_stream_of_text(backend: Backend) -> None:
    async with open_proxy(backend) as proxy:
        reply = await respond(proxy, "x [[deltas=3]]", stream=True)
        assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert reply.headers["cache-control"] == "no-cache"
        assert reply.headers["x-request-id"].startswith("req_")
        assert "request-id" not in reply.headers
        created, begun, *between, last = events_of(reply.body)
        for number, event in enumerate((created, begun)):
            assert event["sequence_number"] == number
            base = check_response(event["response"], status="in_progress", output=[], usage=None)
        assert [event["type"] for event in (created, begun)] == ["response.created", "response.in_progress"]
        place = {"item_id": f"msg_{base}_0", "output_index": 0, "content_index": 0}
        whole = message(base, 0, "completed", part("Demo echo: x"))
        deltas = [
            {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
            for piece in ("Demo", " ech", "o: x")
        ]
        done = {"text": "Demo echo: x", "logprobs": []}
        assert [{**event, "sequence_number": 0} for event in between] == [
            {**event, "sequence_number": 0}
            for event in (
                {
                    "type": "response.output_item.added",
                    "output_index": 0,
                    "item": message(base, 0, "in_progress"),
                },
                {"type": "response.content_part.added", **place, "part": part("")},
                *deltas,
                {"type": "response.output_text.done", **place, **done},
                {"type": "response.content_part.done", **place, "part": part("Demo echo: x")},
                {"type": "response.output_item.done", "output_index": 0, "item": whole},
            )
        ]
        assert [event["sequence_number"] for event in between] == list(range(2, len(between) + 2))
        assert (last["type"], last["sequence_number"]) == ("response.completed", len(between) + 2)
        assert check_response(last["response"], status="completed", output=[whole], usage=USAGE) == base


async def test_a_whole_answer(backend: Backend) -> None:
    async with open_proxy(backend) as proxy:
        reply = await respond(proxy, "x")
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-request-id"] == reply.json["id"].replace("resp_", "req_")
        assert "request-id" not in reply.headers
        assert ("x-ccproxy-demo" in reply.headers) is backend.demo
        base = reply.json["id"].removeprefix("resp_")
        output = [message(base, 0, "completed", part("Demo echo: x"))]
        assert check_response(reply.json, status="completed", output=output, usage=USAGE) == base


async def test_a_stream_of_everything_is_what_would_have_come_whole(backend: Backend) -> None:
    """Thoughts, text and two calls: the same items, but for their ids and how the calls' arguments are spaced."""
    prompt = '[[thinking=Let me see; tool=find,find; input={"a": 1}; deltas=2]] x'
    fields: Json = {"tools": [TOOL], "reasoning": {"effort": "low", "summary": "auto"}}
    async with open_proxy(backend) as proxy:
        events = events_of((await respond(proxy, prompt, stream=True, **fields)).body)
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        seen = [event["type"].removeprefix("response.") for event in events]
        call = ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done"]
        assert [kind for n, kind in enumerate(seen) if kind != seen[n - 1]] == [
            "created",
            "in_progress",
            "output_item.added",
            *(f"reasoning_summary_{kind}" for kind in ("part.added", "text.delta", "text.done", "part.done")),
            *("output_item.done", "output_item.added"),
            *("content_part.added", "output_text.delta", "output_text.done", "content_part.done"),
            *("output_item.done", *call) * 2,
            "output_item.done",
            "completed",
        ]
        streamed = events[-1]["response"]
        added = [event for event in events if event["type"] == "response.output_item.added"]
        done = [event for event in events if event["type"] == "response.output_item.done"]
        assert [event["output_index"] for event in added] == [0, 1, 2, 3]
        assert [event["item"] for event in done] == streamed["output"]
        whole = (await respond(proxy, prompt, **fields)).json
        for response in (streamed, whole):
            for item in response["output"]:
                assert item.pop("id").startswith(
                    {"message": "msg_", "reasoning": "rs_"}.get(item["type"], "fc_")
                )
                if item["type"] == "function_call":
                    assert item.pop("call_id").startswith("toolu_")
                    assert orjson.loads(item.pop("arguments")) == {"a": 1}
            for key in ("id", "created_at", "completed_at"):
                del response[key]
        assert streamed == whole
        thought, *_ = whole["output"]
        assert thought["summary"] == [{"type": "summary_text", "text": "Let me see"}]
        assert [item["type"] for item in whole["output"][1:]] == ["message", "function_call", "function_call"]


async def test_both_prefixes_and_all_apis_at_once(backend: Backend) -> None:
    names = {"models": {"gpt-4*": "sonnet", "gpt-4-old": "haiku"}}
    async with open_proxy(backend, pool={"max_size": 1}, claude=names) as proxy:
        for path in (PATH, f"/openai{PATH}", f"/openai{PATH}?api-version=1"):
            for stream in (False, True):
                reply = await respond(proxy, "x", path=path, stream=stream, model="gpt-4o")
                assert said(reply) == "Demo echo: x"
                assert f'"model":"{SONNET}"'.encode() in reply.body
                assert (await proxy.ask("y", stream=stream)).text == "Demo echo: y"
        old = await respond(proxy, "x", model="gpt-4-old")
        assert old.json["model"].startswith("claude-haiku-")
        assert (await proxy.settle()).created == 1


async def test_silences_are_filled_with_comments(backend: Backend) -> None:
    async with open_proxy(backend, server={"ping_interval": 0.05}) as proxy:
        reply = await respond(proxy, "x [[deltas=3; gap=0.3]]", stream=True)
        assert reply.body.count(PING) > 5
        assert said(reply) == "Demo echo: x"
        # Before the first event a client is told nothing: whatever fails until then has its own status.
        reply = await respond(proxy, "[[delay=0.3; status=429]] x", stream=True)
        assert error_of(reply)[:2] == (429, "rate_limit_error")


async def leave(proxy: Proxy, prompt: str, *, stream: bool) -> None:
    """Ask, wait until there is something to leave, and leave."""
    before = len(proxy.upstream)
    async with open_exchange(proxy.port, PATH, body_of(prompt, stream=stream)) as exchange:
        if stream:
            while b"output_text.delta" not in await exchange.chunk():
                pass
        elif proxy.api is None:
            await proxy.until(lambda now: now.in_use == 1)
        else:
            await eventually(lambda: len(proxy.upstream) > before)
    await proxy.until(lambda now: now.in_use == 0)
    if proxy.api is not None:
        await eventually(lambda: proxy.upstream[before].outcome == "client_gone")


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
async def test_clients_that_leave(backend: Backend, stream: bool) -> None:
    """What they held is there for the next, and forgotten."""
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for prompt in ("left [[hang; at=5]]", "left [[deltas=2000; gap=0.05]]"):
            await leave(proxy, prompt, stream=stream)
            assert said(await respond(proxy, "well")) == "Demo echo: well"
            assert '"left' not in said(await respond(proxy, "[[dump]]"))
        assert (await proxy.settle()).created == 1


async def test_bodies_that_are_not_taken(demo: Backend) -> None:
    async with open_proxy(demo, server={"max_body_size": 1000, "body_timeout": 0.2}) as proxy:
        for path in (PATH, f"/openai{PATH}"):
            reply = await proxy.post(b" " * 1001, path)
            told = f"POST {path}: the request's body is larger than this server takes"
            assert error_of(reply) == (413, "invalid_request_error", None, None, told)
            reply = await proxy.post(body_of("x"), path, **{"content-encoding": "gzip"})
            assert error_of(reply)[:4] == (400, "invalid_request_error", None, "content-encoding")
            for bad in (b"", b"{", b"[]", b'{"a": NaN}'):
                assert error_of(await proxy.post(bad, path))[:4] == (400, "invalid_request_error", None, None)
        twice = body_of("x").replace(b'"input"', b'"input":"y","input"')
        assert error_of(await proxy.post(twice, PATH))[4].startswith(
            "The request body has the key input twice"
        )
        assert proxy.statistics.acquired == 0
        assert said(await respond(proxy, "well")) == "Demo echo: well"


async def test_what_is_not_there(demo: Backend) -> None:
    """Nothing is stored, so that there is nothing to get, to cancel or to delete."""
    async with open_proxy(demo) as proxy:
        for path in (f"{PATH}/resp_1", f"{PATH}/resp_1/cancel", f"{PATH}/input_tokens", f"{PATH}/"):
            for method in ("GET", "POST", "DELETE"):
                reply = await fetch(proxy.port, path, method=method)
                told = f"{method} {path}: this server has no such endpoint"
                assert error_of(reply) == (404, "invalid_request_error", None, None, told)
        reply = await fetch(proxy.port, PATH, method="GET")
        assert (error_of(reply)[0], reply.headers["allow"]) == (405, "OPTIONS, POST")


async def test_what_had_no_effect_is_told(demo: Backend) -> None:
    async with open_proxy(demo, openai={"unsupported": "ignore"}) as proxy:
        fields: Json = {
            "store": True,
            "truncation": "auto",
            "include": ["message.output_text.logprobs"],
            "temperature": 1.5,
        }
        for stream in (False, True):
            reply = await respond(proxy, "x", stream=stream, **fields)
            assert said(reply) == "Demo echo: x"
            told = reply.headers["x-ccproxy-ignored"].split(", ")
            assert sorted(told) == ["include.[0]", "store", "temperature", "truncation"]
            response = events_of(reply.body)[-1]["response"] if stream else reply.json
            left_out = [response[name] for name in ("store", "temperature", "truncation")]
            assert left_out == [False, 1.0, "disabled"]
        # To leave this out would take the conversation away.
        reply = await respond(proxy, "x", previous_response_id="resp_1")
        assert error_of(reply)[:4] == (*REFUSED, "previous_response_id")
    async with open_proxy(demo) as proxy:
        refused = await respond(proxy, "x", **fields)
        assert error_of(refused)[:4] == (*REFUSED, "store")
        assert "x-ccproxy-ignored" not in refused.headers


async def test_no_header_is_made_of_what_a_client_writes(demo: Backend) -> None:
    """Paths in the header have the names of the API's own fields only, whatever keys a request has."""
    evil = "a\r\nx-evil: 1"
    async with open_proxy(demo) as proxy:
        marked: Json = {"type": "input_text", "text": "x", "prompt_cache_breakpoint": {evil: evil}}
        fields: Json = {
            "metadata": {evil: evil},
            "prompt_cache_key": evil,
            "user": evil,
            "safety_identifier": "b",
        }
        reply = await respond(proxy, [{**USER, "content": [marked] * 2000}], **fields)
        assert reply.status == 200
        assert "x-evil" not in reply.headers
        told = reply.headers["x-ccproxy-ignored"]
        assert re.fullmatch(r"[\w.\[\], ]{3900,4000}", told)
        for refused in ({evil: 1}, {"input": [{**USER, evil: 1}]}, {"tools": [{**TOOL, evil: 1}]}):
            reply = await respond(proxy, "x", **refused)
            assert (reply.status, "x-evil" in reply.headers) == (400, False)
