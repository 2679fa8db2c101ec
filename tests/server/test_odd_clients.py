"""Clients that speak another protocol, half of one, or without an end: told what is wrong, and bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
import trio

from tests.raw_http import exchange, open_connection
from tests.server.asking import CHAT, COUNT, MESSAGES, RESPONSES
from tests.server.proxy import Backend, children, eventually, open_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.raw_http import Answer, RawConnection

SOON = 0.3
WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: eA==",
)
HUGE = "X-Huge: " + "v" * 100_000


def post(
    path: str, body: bytes = b"", *headers: str, version: str = "1.1", length: int | None = None
) -> bytes:
    """A request; `length` is what it says of its body's, if that is not true."""
    size = len(body) if length is None else length
    lines = [f"POST {path} HTTP/{version}", "Host: localhost", f"Content-Length: {size}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path: str, *headers: str, version: str = "1.1", method: str = "GET") -> bytes:
    """A request without a body."""
    return (
        "\r\n".join([f"{method} {path} HTTP/{version}", "Host: localhost", *headers]).encode() + b"\r\n\r\n"
    )


def chunked(path: str) -> bytes:
    """The head of a request whose length nobody knows."""
    return get(path, "Transfer-Encoding: chunked", method="POST")


def check_anthropic(answer: Answer, status: int, kind: str) -> str:
    """An error as Anthropic's API has them; what it says."""
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    told = orjson.loads(answer.body)
    assert told.keys() == {"type", "error", "request_id"}
    assert (told["type"], told["error"]["type"]) == ("error", kind)
    assert told["request_id"] == answer.headers["request-id"]
    assert told["request_id"].startswith("req_")
    return str(told["error"]["message"])


def check_openai(answer: Answer, status: int) -> None:
    """An error as OpenAI's API has them."""
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    told = orjson.loads(answer.body)
    assert told["error"].keys() == {"message", "type", "param", "code"}
    assert told["error"]["type"] == "invalid_request_error" if status < 500 else "server_error"
    assert answer.headers["x-request-id"].startswith("req_")


REFUSED: tuple[tuple[bytes, int, str, str], ...] = (
    (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        505,
        "api_error",
        "HTTP/1.1",
    ),
    (get("/v1/messages", version="3.0"), 505, "api_error", "HTTP/1.1"),
    (get("/v1/messages", *WEBSOCKET) + b"\x81\x00", 501, "api_error", "WebSocket"),
    (post("/v1/messages", b"", "Transfer-Encoding: gzip"), 501, "api_error", "chunked"),
    (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        400,
        "invalid_request_error",
        "HTTP",
    ),
    (post("/v1/messages", b"0\r\n\r\n", "Transfer-Encoding: chunked"), 400, "invalid_request_error", "HTTP"),
    (b"EHLO example.com\r\n\r\n", 400, "invalid_request_error", "HTTP"),
    (get("v1/messages"), 400, "invalid_request_error", "no path"),
    (post("/v1/messages", length=-1), 400, "invalid_request_error", "HTTP"),
    (post("/v1/messages", b"{}", HUGE), 431, "invalid_request_error", "head"),
    (b"GET /" + b"a" * 200_000, 431, "invalid_request_error", "head"),
)


async def test_what_is_refused_is_told_in_the_apis_shape(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for request, status, kind, words in REFUSED:
            async with open_connection(proxy.port) as connection:
                await connection.send(request)
                answer = await connection.read_answer()
                assert words in check_anthropic(answer, status, kind)
                assert answer.headers["connection"] == "close"
                assert await connection.read_to_end() == b""
        for path in ("/v1/chat/completions", "/v1/responses", "/openai/v1/responses", "/v1/models"):
            for request, status in ((get(path, *WEBSOCKET), 501), (get(path, HUGE), 431)):
                async with open_connection(proxy.port) as connection:
                    await connection.send(request)
                    check_openai(await connection.read_answer(), status)
        async with open_connection(proxy.port) as connection:
            await connection.send(get("/v1/models", HUGE, "anthropic-version: 2023-06-01"))
            check_anthropic(await connection.read_answer(), 431, "invalid_request_error")
        head = await exchange(proxy.port, get("/v1/messages", HUGE, method="HEAD"))
        assert head.startswith(b"HTTP/1.1 431 ")
        assert head.endswith(b"\r\n\r\n")
        assert (await proxy.settle()).acquired == 0


async def test_http_1_0(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        whole = await exchange(proxy.port, post("/v1/messages", MESSAGES.body("old"), version="1.0"))
        assert whole.startswith(b"HTTP/1.1 200 ")
        assert b"Demo echo: old" in whole
        streamed = await exchange(
            proxy.port, post("/v1/messages", MESSAGES.body("old", stream=True), version="1.0")
        )
        assert b"transfer-encoding" not in streamed
        assert streamed.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
        # A load balancer's probe, as they come by default.
        assert (await exchange(proxy.port, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        await proxy.settle()


async def test_slashes_are_not_put_right(demo: Backend) -> None:
    async with open_proxy(demo) as proxy, open_connection(proxy.port) as connection:
        await connection.send(post("//v1//messages", MESSAGES.body("on")))
        check_openai(await connection.read_answer(), 404)
        await connection.send(get("/pool//stats"))
        check_anthropic(await connection.read_answer(), 404, "not_found_error")


async def test_an_upgrade_that_may_be_passed_over_is(demo: Backend) -> None:
    async with open_proxy(demo) as proxy, open_connection(proxy.port) as connection:
        upgrade = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AA")
        await connection.send(post("/v1/messages", MESSAGES.body("on"), *upgrade))
        answer = await connection.read_answer()
        assert (answer.status, b"Demo echo: on" in answer.body) == (200, True)


async def test_a_half_close_is_leaving(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        for endpoint in (MESSAGES, CHAT, RESPONSES):
            for stream in (False, True):
                async with open_connection(proxy.port) as connection:
                    body = endpoint.body("left [[hang; at=9]]", stream=stream)
                    await connection.send(post(endpoint.path, body))
                    await proxy.until(lambda now: now.in_use == 1)
                    await connection.stream.send_eof()
                    await proxy.until(lambda now: now.in_use == 0)
                    assert b"message_stop" not in await connection.read_to_end()
        async with open_connection(proxy.port) as connection:
            await connection.stream.send_eof()
            assert await connection.read_to_end() == b""
        assert (await proxy.settle()).created == 1
        assert children() == child


async def test_pipelined_requests_are_answered_in_order(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 2}) as proxy, open_connection(proxy.port) as connection:
        endpoints = [(MESSAGES, CHAT, RESPONSES)[n % 3] for n in range(30)]
        requests = [post(each.path, each.body(f"number {n}")) for n, each in enumerate(endpoints)]
        await connection.send(b"".join(requests))
        for n in range(30):
            answer = await connection.read_answer()
            assert answer.status == 200
            assert f'"Demo echo: number {n}"'.encode() in answer.body
        assert proxy.statistics.acquired == 30


async def test_who_pipelines_and_leaves(demo: Backend) -> None:
    """What was not begun is not begun any more."""
    request = post("/v1/messages", MESSAGES.body("left [[hang]]"))
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        child = children()
        for behind in (request * 20, b"\r\n", bytes(1_000_000)):
            before = proxy.statistics.acquired
            async with open_connection(proxy.port) as connection:
                await connection.send(request + behind)
                await proxy.until(lambda now: now.acquired > before)  # noqa: B023 -- awaited in this round
                await trio.sleep(0.05)
            await proxy.until(lambda now: now.in_use == 0)
            assert proxy.statistics.acquired == before + 1
        assert (await proxy.settle()).created == 1
        assert children() == child


async def test_who_sends_far_ahead_gets_one_answer(demo: Backend) -> None:
    async with open_proxy(demo) as proxy, open_connection(proxy.port) as connection:
        request = post("/v1/messages", MESSAGES.body("first [[delay=0.3]]"))
        await connection.send(request + get("/healthz") * 40_000)
        assert b"Demo echo: first" in (await connection.read_answer()).body
        assert await connection.read_to_end() == b""


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


async def test_heads_that_come_slowly_or_never(demo: Backend) -> None:
    """However it comes, a head has `keep_alive_timeout` from the beginning on; the others are served meanwhile."""
    async with open_proxy(demo, server={"keep_alive_timeout": SOON}) as proxy:
        await proxy.settle()
        tasks = trio.lowlevel.current_statistics().tasks_living
        cut: list[bytes] = []

        async def drip() -> None:
            async with open_connection(proxy.port) as connection:
                try:
                    for piece in pieces(get("/healthz", "X: " + "slow" * 1000), 1):
                        await connection.send(piece)
                        await trio.sleep(SOON / 20)
                except trio.BrokenResourceError:
                    cut.append(b"")
                cut.append(await connection.read_to_end())

        async def say_nothing() -> None:
            cut.append(await exchange(proxy.port, b""))

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(drip)
                nursery.start_soon(say_nothing)
            assert (await proxy.ask("well")).text == "Demo echo: well"
        assert set(cut) == {b""}
        await eventually(lambda: trio.lowlevel.current_statistics().tasks_living <= tasks)


async def test_bodies_that_come_slowly(demo: Backend) -> None:
    async with open_proxy(demo, server={"body_timeout": SOON / 3}) as proxy:
        starts = (b"1\r\n{\r\n", b"100\r\n{", b"1")
        for endpoint in (MESSAGES, CHAT, RESPONSES, COUNT):
            slow = (chunked(endpoint.path) + start for start in starts)
            for request in (post(endpoint.path, b"{", length=100), *slow):
                async with open_connection(proxy.port) as connection:
                    await connection.send(request)
                    assert (await connection.read_answer()).status == 408
                    assert await connection.read_to_end() == b""
        assert (await proxy.settle()).acquired == 0


async def test_bodies_that_never_end(demo: Backend) -> None:
    async with open_proxy(demo, server={"max_body_size": 1_000_000}) as proxy:
        for endpoint in (MESSAGES, CHAT, RESPONSES, COUNT):
            async with open_connection(proxy.port) as connection:
                await connection.send(chunked(endpoint.path) + b"100000\r\n" + bytes(1_048_576))
                assert (await connection.read_answer()).status == 413
        async with open_connection(proxy.port) as connection:
            with pytest.raises(trio.BrokenResourceError):
                await send_for_ever(connection, chunked(MESSAGES.path), b"10000\r\n" + bytes(65536) + b"\r\n")
        assert (await proxy.settle()).acquired == 0
        assert (await proxy.ask("well")).text == "Demo echo: well"


async def send_for_ever(connection: RawConnection, head: bytes, piece: bytes) -> None:
    """Until it cannot be sent any more."""
    await connection.send(head)
    while True:
        await connection.send(piece)
