"""A body that is too large is at its end where it became so, however it was split."""

from typing import TYPE_CHECKING

import pytest
import trio
from hypercorn.typing import ASGIReceiveCallable, ASGIReceiveEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from ccproxy_trio.server.transport.cut_body import cut_body
from tests.raw_http import open_connection, open_server

from .small_app import MEGABYTE, create_small_app, get, put_in_place

if TYPE_CHECKING:
    from hypercorn.typing import HTTPDisconnectEvent, HTTPRequestEvent

LEFT: "HTTPDisconnectEvent" = {"type": "http.disconnect"}


def receive_from(pieces: list[bytes]) -> ASGIReceiveCallable:
    """An ASGI server's, for a body in these pieces; then the client has left."""
    messages: list[ASGIReceiveEvent] = []
    for number, piece in enumerate(pieces, 1):
        message: HTTPRequestEvent = {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        messages.append(message)
    coming = iter([*messages, LEFT])

    async def receive() -> ASGIReceiveEvent:
        return next(coming)

    return receive


async def take(receive: ASGIReceiveCallable) -> tuple[bytes, list[bool]]:
    """What came until the client left, and with each piece whether there was more to come."""
    body, more = b"", []
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        more.append(message["more_body"])
    assert message == LEFT
    return body, more


@settings(max_examples=30)
@given(pieces=st.lists(st.binary(max_size=8), min_size=1), most=st.integers(0, 32))
def test_a_body_is_cut_behind_the_piece_too_many(pieces: list[bytes], most: int) -> None:
    body, more = trio.run(take, cut_body(receive_from(pieces), most))
    assert b"".join(pieces).startswith(body)
    assert more == [True] * (len(more) - 1) + [False]
    if len(body) <= most:
        assert len(more) == len(pieces)
    else:
        assert len(body) - len(pieces[len(more) - 1]) <= most


async def test_without_a_limit_nothing_is_cut() -> None:
    pieces = [b"one", b"two"]
    assert await take(cut_body(receive_from(pieces), None)) == (b"onetwo", [True, False])


async def test_a_body_without_an_end_is_refused_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, repaired=True)
    async with open_server(create_small_app()) as server, open_connection(server.port) as connection:
        await connection.send(get("/length", "Transfer-Encoding: chunked").replace(b"GET", b"POST", 1))
        await connection.send(b"%x\r\n" % (2 * MEGABYTE) + bytes(MEGABYTE + 1))
        assert (await connection.read_answer()).status == 413
