"""The wire of the fake API: h11 over trio on loopback, one task a connection, every request recorded.

A record is appended when the request has been read, its outcome still None, and replaced when the answer
has ended:

* done: the answer went out whole;
* error: it was an error, or was spoilt as its directive asked;
* client_gone: the client closed the connection first.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import h11
import trio

from ccproxy_trio.claude.demo.answer import ERROR_TYPES, compose, error_body, status_of
from ccproxy_trio.claude.demo.count import count_tokens
from ccproxy_trio.claude.demo.directives import (
    break_off_at,
    count_deltas,
    failing_status,
    read_prompt,
    seconds,
)
from tests.fake_api._models import find_models

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

Outcome = Literal["done", "client_gone", "error"]


@dataclass(frozen=True)
class RecordedRequest:
    """A request as it arrived. Header names are in lower case; `body` is {} when there was no JSON object."""

    n: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    outcome: Outcome | None


class FakeApi:
    """A running fake API: where it listens, and what it has received so far."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.requests: list[RecordedRequest] = []
        self._changed = trio.Event()

    async def until(self, wanted: Callable[[FakeApi], bool]) -> None:
        """Wait until the records are as wanted; bound it from outside."""
        while not wanted(self):
            await self._changed.wait()

    def _note_change(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    @property
    def turns(self) -> list[RecordedRequest]:
        """Only the requests to /v1/messages."""
        return [request for request in self.requests if request.path.partition("?")[0] == "/v1/messages"]

    async def _serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            connection = _Connection(stream)
            try:
                while (arrived := await connection.read_request()) is not None:
                    await self._answer_one(connection, *arrived)
                    if not connection.reuse():
                        return
            except (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError):
                return

    async def _answer_one(self, connection: _Connection, head: h11.Request, raw: bytes) -> None:
        n = len(self.requests) + 1
        record = RecordedRequest(
            n=n,
            method=head.method.decode(),
            path=head.target.decode(),
            headers={name.decode(): value.decode("latin-1") for name, value in head.headers},
            body=_json_object(raw),
            outcome=None,
        )
        self.requests.append(record)
        self._note_change()
        outcome: Outcome = "client_gone"
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.watch, nursery.cancel_scope)
                outcome = await _answer(connection, record)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            connection.broken = True
        finally:
            self.requests[n - 1] = replace(record, outcome=outcome)
            self._note_change()


class _Connection:
    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._h11 = h11.Connection(h11.SERVER)
        self.broken = False

    async def read_request(self) -> tuple[h11.Request, bytes] | None:
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                self._h11.receive_data(await self._stream.receive_some())
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return head, bytes(body)
            else:
                return None

    async def watch(self, scope: trio.CancelScope) -> None:
        """Cancel `scope` when the client goes away. A request sent ahead of its turn is kept for later."""
        while data := await self._stream.receive_some():
            self._h11.receive_data(data)
        self.broken = True
        scope.cancel()

    def reuse(self) -> bool:
        if self.broken or self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return False
        self._h11.start_next_cycle()
        return True

    async def send(self, *events: h11.Event) -> None:
        await self._stream.send_all(b"".join(self._h11.send(event) or b"" for event in events))

    async def send_json(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        data = json.dumps(body).encode()
        fields = {"content-type": "application/json", "content-length": str(len(data)), **headers}
        await self.send(_head(status, fields), h11.Data(data=data), h11.EndOfMessage())


async def _answer(connection: _Connection, request: RecordedRequest) -> Outcome:
    request_id = f"req_{request.n:06}"
    headers = {"request-id": request_id}
    match request.method, request.path.partition("?")[0]:
        case "POST", "/v1/messages":
            return await _answer_messages(connection, request, headers)
        case "POST", "/v1/messages/count_tokens":
            return await _answer_count(connection, request, headers)
        case "GET", path if path == "/v1/models" or path.startswith("/v1/models/"):
            match find_models(request.path):
                case None:
                    body = error_body("not_found_error", f"model: {path.rpartition('/')[2]}", request_id)
                    await connection.send_json(404, body, headers)
                    return "error"
                case str(mistake):
                    body = error_body("invalid_request_error", mistake, request_id)
                    await connection.send_json(400, body, headers)
                    return "error"
                case found:
                    await connection.send_json(200, found, headers)
        case _:
            body = error_body("not_found_error", f"no such path: {request.path}", request_id)
            await connection.send_json(404, body, headers)
            return "error"
    return "done"


async def _answer_messages(
    connection: _Connection, request: RecordedRequest, headers: dict[str, str]
) -> Outcome:
    wish = read_prompt(request.body.get("messages")).wish
    streamed = bool(request.body.get("stream"))
    await trio.sleep(seconds(wish, "delay"))
    status = failing_status(wish)
    if "error" in wish and not streamed:
        status = status_of(str(wish["error"]))
    if status is not None:
        return await _fail(connection, status, wish, headers)
    answer = compose(request.body, f"{request.n:06}")
    if streamed:
        events = answer.events(count_deltas(wish))
        return await _stream(connection, events, wish, headers)
    if wish.keys() & {"cut", "hang"}:
        return await _break_off(connection, wish)
    await connection.send_json(200, answer.message(), headers)
    return "done"


async def _answer_count(
    connection: _Connection, request: RecordedRequest, headers: dict[str, str]
) -> Outcome:
    wish = read_prompt(request.body.get("messages")).wish
    await trio.sleep(seconds(wish, "delay"))
    if (status := failing_status(wish)) is not None:
        return await _fail(connection, status, wish, headers)
    await connection.send_json(200, {"input_tokens": count_tokens(request.body)}, headers)
    return "done"


async def _fail(
    connection: _Connection, status: int, wish: Mapping[str, Any], headers: dict[str, str]
) -> Outcome:
    if "retry_after" in wish:
        headers["retry-after"] = str(wish["retry_after"])
    kind = ERROR_TYPES.get(status, "api_error")
    message = str(wish.get("message", f"fake {status}"))
    await connection.send_json(status, error_body(kind, message, headers["request-id"]), headers)
    return "error"


async def _stream(
    connection: _Connection,
    events: Iterator[Mapping[str, Any]],
    wish: Mapping[str, Any],
    headers: Mapping[str, str],
) -> Outcome:
    breaks_at = break_off_at(wish, ("error", "cut", "hang"))
    if breaks_at == 0 and "error" not in wish:
        return await _break_off(connection, wish)
    fields = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", **headers}
    whole = "one_segment" in wish
    held: list[h11.Event] = [_head(200, fields)]
    for index, event in enumerate(events):
        if index == breaks_at:
            await connection.send(*held)
            return await _break_off(connection, wish)
        held.append(_server_sent(event))
        if not whole:
            await connection.send(*held)
            held.clear()
            if event["type"] == "content_block_delta":
                await trio.sleep(seconds(wish, "gap"))
    await connection.send(*held, h11.EndOfMessage())
    return "done"


async def _break_off(connection: _Connection, wish: Mapping[str, Any]) -> Outcome:
    if "hang" in wish:
        await trio.sleep_forever()
    if "error" in wish:
        detail = {"type": str(wish["error"]), "message": str(wish.get("message", "fake error"))}
        await connection.send(_server_sent({"type": "error", "error": detail}), h11.EndOfMessage())
    else:
        connection.broken = True
    return "error"


def _head(status: int, fields: Mapping[str, str]) -> h11.Response:
    return h11.Response(status_code=status, headers=list(fields.items()))


def _server_sent(event: Mapping[str, Any]) -> h11.Data:
    return h11.Data(data=f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


def _json_object(raw: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@asynccontextmanager
async def open_fake_api(port: int = 0) -> AsyncIterator[FakeApi]:
    """Serve a fake Anthropic API on 127.0.0.1 until the block ends; port 0 is any free one."""
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(port, host="127.0.0.1")
        api = FakeApi(listener.socket.getsockname()[1])
        await nursery.start(trio.serve_listeners, api._serve, [listener])
        yield api
        nursery.cancel_scope.cancel()
