"""The end of a request, on virtual time: what was entered on its stack is let go once, in order, on every path."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from quart import Response, current_app
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection
from trio.testing import MockClock, wait_all_tasks_blocked

from ccproxy_trio.server.transport import RepairedHTTPConnection, call_at, request_stack, stream_response
from ccproxy_trio.server.transport.wordless import Wordless
from tests.asgi_client import open_request


class Leased:
    """Stands for a lease: records what happens, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            self.events.append(type(error).__name__)
            raise
        await trio.lowlevel.checkpoint()
        self.events.append("released")


@pytest.fixture
def leased() -> Leased:
    return Leased()


@pytest.fixture
def app(leased: Leased) -> QuartTrio:
    app = QuartTrio("stack", static_folder=None)
    app.asgi_http_class = RepairedHTTPConnection

    async def count(last: int) -> AsyncGenerator[bytes, None]:
        try:
            for number in range(last):
                await trio.sleep(1)
                yield b"%d " % number
            if last < 5:
                raise RuntimeError("half-way")
        finally:
            leased.events.append("body closed")

    @app.get("/stream/<int:last>")
    async def stream(last: int) -> Response:
        await request_stack().enter_async_context(leased.lease())
        return stream_response(count(last), headers={"Content-Type": "text/plain"})

    @app.get("/timed/<int:seconds>/<int:last>")
    async def timed(seconds: int, last: int) -> Response:
        await request_stack().enter_async_context(leased.lease())

        async def note() -> None:
            leased.events.append(f"called at {trio.current_time() - start:g}")

        start = trio.current_time()
        call_at(start + seconds, note)
        return stream_response(count(last), headers={"Content-Type": "text/plain"})

    @app.get("/whole")
    async def whole() -> str:
        await request_stack().enter_async_context(leased.lease())
        return "whole"

    @app.get("/wait")
    async def wait() -> str:
        await request_stack().enter_async_context(leased.lease())
        await trio.sleep_forever()
        return ""

    return app


@pytest.mark.parametrize(("path", "body"), [("/whole", b"whole"), ("/stream/5", b"0 1 2 3 4 ")])
async def test_stack_is_closed_after_the_answer(
    app: QuartTrio, leased: Leased, autojump_clock: MockClock, path: str, body: bytes
) -> None:
    async with open_request(app, "GET", path) as conversation:
        await conversation.start()
        assert leased.events == []
        assert await conversation.read() == body
    assert leased.events == ["body closed", "released"][path == "/whole" :]


async def test_client_that_leaves_in_mid_stream(
    app: QuartTrio, leased: Leased, autojump_clock: MockClock
) -> None:
    async with open_request(app, "GET", "/stream/100") as conversation:
        await conversation.start()
        assert await conversation.chunk() == b"0 "
    assert leased.events == ["body closed", "released"]
    assert trio.current_time() == 1.0


async def test_client_that_leaves_while_the_server_sends(app: QuartTrio, leased: Leased) -> None:
    async with open_request(app, "GET", "/stream/100") as conversation:
        await conversation.start()
    assert leased.events == ["body closed", "released"]


async def test_client_that_leaves_before_the_stream_began(app: QuartTrio, leased: Leased) -> None:
    async with open_request(app, "GET", "/stream/100"):
        # The application waits to hand over the head; its body has not run.
        await wait_all_tasks_blocked()
        assert leased.events == []
    assert leased.events == ["released"]


async def test_client_that_leaves_before_the_answer(app: QuartTrio, leased: Leased) -> None:
    async with open_request(app, "GET", "/wait"):
        await wait_all_tasks_blocked()
    assert leased.events == ["released"]


async def test_an_action_at_a_moment(app: QuartTrio, leased: Leased, autojump_clock: MockClock) -> None:
    """Whoever reads slowly does not keep it from being done, and after the request it is not."""
    async with open_request(app, "GET", "/timed/3/5") as conversation:
        await conversation.start()
        assert leased.events == []
        await trio.sleep(9)
        assert leased.events == ["called at 3"]
        assert await conversation.read() == b"0 1 2 3 4 "
    assert leased.events == ["called at 3", "body closed", "released"]
    leased.events.clear()
    for path in ("/timed/9/5", "/timed/9/100"):
        async with open_request(app, "GET", path) as conversation:
            await conversation.start()
    await trio.sleep(9)
    assert leased.events == ["body closed", "released"] * 2


async def test_body_that_fails(app: QuartTrio, leased: Leased, autojump_clock: MockClock) -> None:
    told = pytest.RaisesExc(Wordless, match="RuntimeError, whose words are left out")
    with pytest.RaisesGroup(told, flatten_subgroups=True):
        async with open_request(app, "GET", "/stream/3") as conversation:
            assert [chunk async for chunk in conversation.chunks()] == [b"0 ", b"1 ", b"2 "]
            assert not conversation.complete
    assert leased.events == ["body closed", "RuntimeError"]


async def test_server_that_cancels(app: QuartTrio, leased: Leased) -> None:
    with trio.CancelScope() as scope:
        async with open_request(app, "GET", "/wait"):
            await wait_all_tasks_blocked()
            scope.cancel()
            await trio.sleep_forever()
    assert leased.events == ["Cancelled"]


async def test_head_runs_no_body(app: QuartTrio, leased: Leased) -> None:
    async with open_request(app, "HEAD", "/stream/100") as conversation:
        assert await conversation.read() == b""
        assert conversation.headers["content-type"] == "text/plain"
    assert leased.events == ["released"]


async def test_quart_cuts_a_stream_and_ours_goes_on(app: QuartTrio, autojump_clock: MockClock) -> None:
    @app.get("/stock")
    async def stock() -> Response:
        response: Response = stream_response(slow())
        response.timeout = ...
        return response

    async def slow() -> AsyncGenerator[bytes, None]:
        for _ in range(5):
            await trio.sleep(25)
            yield b"x"

    @app.get("/ours")
    async def ours() -> Response:
        assert current_app.config["RESPONSE_TIMEOUT"] == 60
        return stream_response(slow())

    async with open_request(app, "GET", "/stock") as conversation:
        assert [chunk async for chunk in conversation.chunks()] == [b"x", b"x"]
        assert not conversation.complete
    assert trio.current_time() == 60

    async with open_request(app, "GET", "/ours") as conversation:
        assert await conversation.read() == b"xxxxx"
    assert trio.current_time() == 60 + 125


async def test_body_that_is_no_generator(app: QuartTrio) -> None:
    async with app.app_context():
        with pytest.raises(TypeError, match="must be an async generator, not list"):
            stream_response([b"x"])  # type: ignore[arg-type]  # the mistake under test


def test_class_is_a_quart_trio_connection() -> None:
    assert issubclass(RepairedHTTPConnection, TrioASGIHTTPConnection)
