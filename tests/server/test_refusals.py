"""What never reaches an instance: requests that are no requests, and a pool that has no instance to give."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.claude.demo import command
from tests.server.http_client import fetch, open_exchange
from tests.server.proxy import Backend, Proxy, body_of, open_proxy

if TYPE_CHECKING:
    from pathlib import Path

VALID: dict[str, Any] = {"model": "sonnet", "max_tokens": 10, "messages": [{"role": "user", "content": "x"}]}


async def test_malformed_requests(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for body, message in {
            b"": "The request body is not valid JSON: ",
            b"{": "The request body is not valid JSON: ",
            b"[]": "The request body must be a JSON object",
            b'{"a": "\xff"}': "The request body is not valid JSON: ",
            b"[" * 100_000: "The request body is not valid JSON: ",
            b"{}": "model: Field required",
            body_of([]): "messages: at least one message is required",
            body_of(""): "messages.0: user messages must have non-empty content",
            body_of("x", tools=[{"name": "x"}]): "tools.0.custom.input_schema: Field required",
            body_of("x", temperature=1.5): "temperature: Input should be less than or equal to 1",
            body_of("x", container="c"): "container: this server does not support this field: ",
            body_of("x", frobnicate=1): "frobnicate: Extra inputs are not permitted",
            body_of("x", stream="yes"): "stream: Input should be a valid boolean",
            body_of("x", max_tokens=0): "max_tokens: Input should be greater than or equal to 1",
            body_of(
                [{"role": "user", "content": [{"type": "image"}]}]
            ): "messages.0.content.0.image.source: ",
        }.items():
            reply = await proxy.post(body)
            status, kind, told = reply.failure
            assert (status, kind) == (400, "invalid_request_error")
            assert told.startswith(message)
        assert proxy.statistics.acquired == 0
        assert (await proxy.ask("well")).text == "Demo echo: well"


async def test_what_the_headers_ask_for(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        reply = await proxy.post(body_of("x"), **{"content-encoding": "gzip"})
        told = "content-encoding: this server takes no encoded bodies, and this is 'gzip'"
        assert reply.failure == (400, "invalid_request_error", told)
        reply = await proxy.post(body_of("x"), **{"content-encoding": "identity"})
        assert (reply.text, reply.headers.get("x-ccproxy-ignored")) == ("Demo echo: x", None)
        reply = await proxy.post(body_of("x"), **{"anthropic-beta": "something-2026-01-01"})
        assert (reply.text, reply.headers.get("x-ccproxy-ignored")) == ("Demo echo: x", None)
        reply = await proxy.post(body_of("x"), **{"anthropic-beta": "one,tw o"})
        told = "anthropic-beta: 'tw o' is not the name of a beta"
        assert reply.failure == (400, "invalid_request_error", told)
        reply = await proxy.post(body_of("x"), **{"anthropic-beta": "one", "Anthropic-Beta": "tw o"})
        assert reply.failure == (400, "invalid_request_error", told)


async def test_what_is_ignored_is_told_in_whole_paths(demo: Backend) -> None:
    marked = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * 300
    async with open_proxy(demo) as proxy:
        tool = {"input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}
        tools = [{**tool, "name": name} for name in ("a", "b")]  # with the CLI's three they are too many
        reply = await proxy.ask("x", system=marked, tools=tools)
        *told, last = reply.headers["x-ccproxy-ignored"].split(", ")
        assert last == "..."
        assert told == [f"system.{index}.cache_control" for index in range(len(told))]
        assert 3970 < len(reply.headers["x-ccproxy-ignored"]) <= 4000


async def test_bodies_too_large_and_too_slow(demo: Backend) -> None:
    async with open_proxy(demo, server={"max_body_size": 1000, "body_timeout": 0.2}) as proxy:
        large = await proxy.post(b" " * 1001)
        assert large.failure[:2] == (413, "request_too_large")
        assert large.failure[2].startswith("POST /v1/messages: the request's body is larger than")
        chunked = b"".join(b"64\r\n%b\r\n" % (b" " * 100) for _ in range(11)) + b"0\r\n\r\n"
        request = (
            b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n" + chunked
        )
        async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as stream:
            await stream.send_all(request)
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 413 ")
        body = body_of("x")
        headers = {"content-length": str(len(body) + 1)}
        async with open_exchange(proxy.port, "/v1/messages", body, headers=headers) as exchange:
            slow = await exchange.read()
        assert slow.failure[:2] == (408, "timeout_error")
        assert proxy.statistics.acquired == 0
        assert (await proxy.ask("well")).text == "Demo echo: well"


async def test_what_is_not_there(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for path in ("/nowhere", "/v1", "/v1/messages/", "/v1/messages/x", "/%2e%2e/etc", "/static/x"):
            reply = await proxy.get(path)
            assert reply.failure[:2] == (404, "not_found_error")
            assert reply.failure[2].endswith(": this server has no such endpoint")
        for path in ("/v1/models/", "/"):
            long = await proxy.get(path + "x" * 9000)
            assert (long.failure[0], len(long.failure[2]) < 200) == (404, True)
        for method, path, allowed in (
            ("GET", "/v1/messages", "OPTIONS, POST"),
            ("DELETE", "/v1/messages", "OPTIONS, POST"),
            ("POST", "/pool/stats", "GET, HEAD, OPTIONS"),
        ):
            reply = await fetch(proxy.port, path, method=method)
            assert reply.failure[:2] == (405, "invalid_request_error")
            assert reply.headers["allow"] == allowed


async def busy(proxy: Proxy, count: int, nursery: trio.Nursery) -> trio.Event:
    """Keep `count` instances in use until the event is set."""
    done = trio.Event()

    async def hold() -> None:
        async with proxy.open("[[hang]]", stream=True) as exchange:
            await exchange.until("message_start")
            await done.wait()

    for _ in range(count):
        nursery.start_soon(hold)
    await proxy.until(lambda now: now.in_use == count)
    return done


@pytest.mark.parametrize("stream", [False, True])
async def test_no_instance_in_time(demo: Backend, stream: bool) -> None:
    async with open_proxy(demo, pool={"max_size": 1, "acquire_timeout": 0.1}) as proxy:
        await proxy.settle()
        async with trio.open_nursery() as nursery:
            done = await busy(proxy, 1, nursery)
            reply = await proxy.ask("x", stream=stream)
            assert reply.failure[:2] == (529, "overloaded_error")
            assert "instances are busy: pool 'claude': no resource came free in 0.1 s" in reply.failure[2]
            assert reply.headers["retry-after"] == "1"
            ready = await proxy.get("/readyz")
            assert (ready.status, ready.json["status"]) == (503, "busy")
            assert ready.json["reason"].startswith("none is free: 1/1 resources: 0 idle, 1 in use")
            done.set()
        await proxy.settle()
        assert (await proxy.ask("well")).text == "Demo echo: well"
        assert (await proxy.get("/pool/stats")).json["stats"]["acquire_timeouts"] == 1


async def test_no_room_in_the_queue(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1, "max_waiting": 1}) as proxy:
        await proxy.settle()
        texts: list[str] = []

        async def wait() -> None:
            texts.append((await proxy.ask("patient")).text)

        async with trio.open_nursery() as nursery:
            done = await busy(proxy, 1, nursery)
            nursery.start_soon(wait)
            await proxy.until(lambda now: now.waiting == 1)
            reply = await proxy.ask("one too many")
            assert reply.failure[:2] == (529, "overloaded_error")
            assert reply.headers["retry-after"] == "1"
            done.set()
        assert texts == ["Demo echo: patient"]
        assert (await proxy.settle()).saturated == 1


async def test_a_cli_that_cannot_start_and_is_mended(demo: Backend, tmp_path: Path) -> None:
    cli = tmp_path / "claude"
    broken = "#!/bin/sh\ncase $1 in --version) echo 2.1.330;; *) echo 'no such luck' >&2; exit 1;; esac\n"
    cli.write_text(broken)
    cli.chmod(stat.S_IRWXU)
    async with open_proxy(Backend({**demo.environ, "ANTHROPIC_API_KEY": "x"}, str(cli))) as proxy:
        await proxy.until(lambda now: now.create_failures > 0)
        reply = await proxy.ask("x")
        assert reply.failure == (
            529,
            "overloaded_error",
            "no claude process can be started: the claude process exited with status 1: no such luck",
        )
        assert 1 <= int(reply.headers["retry-after"]) <= 30
        ready = await proxy.get("/readyz")
        assert ready.status == 503
        assert ready.json == {
            "status": "not ready",
            "reason": "no instance can be started: the claude process exited with status 1: no such luck",
        }
        assert (await proxy.get("/health")).status == 200

        cli.write_text(f'#!/bin/sh\nexec {" ".join(command())} "$@"\n')
        await proxy.settle()
        assert (await proxy.ask("well")).text == "Demo echo: well"
        await proxy.settle()
        assert (await proxy.get("/readyz")).status == 200
