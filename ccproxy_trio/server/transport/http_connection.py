"""Quart-Trio's handling of one request, ended in order: the answer goes out, then what it needed is let go.

Rules:

* A disconnect that arrives while the last message is being sent cancels nothing. hypercorn posts one inside
  that very send; the stock class then cancels it, the connection is neither recycled nor closed, and its
  socket leaks.
* No more is kept of a body than the application takes: see `cut_body`.
* Each request owns an `AsyncExitStack`. It is closed when the answer has been sent, when the client has left,
  or when the request failed or was cancelled, after the body's generator was closed, in the task that ran the
  handler.
* An error that leaves here is logged by hypercorn, so it leaves its words behind: they may quote the request.
* A client's leaving is no failure: the handler and the body are cancelled, and the stack then sees a normal
  exit, outside the cancelled scope. An error of the body, and the server's own cancellation, go through the
  stack as they are.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import cast

import quart
import trio
from hypercorn.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, ASGISendEvent
from quart.wrappers import Request, Response
from quart_trio.asgi import TrioASGIHTTPConnection

from .cut_body import cut_body
from .wordless import without_words

_STACK = "ccproxy_trio.request_stack"
_NURSERY = "ccproxy_trio.request_nursery"
_SENT = "ccproxy_trio.answer_was_sent"


def request_stack() -> AsyncExitStack:
    """The exit stack of the current request: what is entered there lives until the answer has been sent.

    What is entered must hold no nursery and no cancel scope open, as the client's leaving is itself a cancel
    scope around the handler and ends before the stack is closed. Raises `RuntimeError` outside of a request.
    """
    return cast("dict[str, AsyncExitStack]", quart.request.scope)[_STACK]


def call_at(time: float, action: Callable[[], Awaitable[object]]) -> None:
    """Have `action` done at that moment of trio's, if the current request is still under way then.

    It is done in a task of its own, whatever the request waits for; an error of it is the request's.
    """

    async def wait_and_call() -> None:
        await trio.sleep_until(time)
        await action()

    cast("dict[str, trio.Nursery]", quart.request.scope)[_NURSERY].start_soon(wait_and_call)


def was_sent(scope: Mapping[str, object]) -> bool:
    """Whether all of the answer to the request with this ASGI scope has been sent, as far as one can know."""
    return _SENT in scope


class RepairedHTTPConnection(TrioASGIHTTPConnection):
    """An `asgi_http_class` for `QuartTrio`."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        try:
            await self._serve(cut_body(receive, self.app.config["MAX_CONTENT_LENGTH"]), send)
        except* Exception as errors:  # noqa: BLE001 -- it goes on
            raise without_words(errors) from None

    async def _serve(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        present = trio.CancelScope()
        last_send = False

        async def receive_body() -> ASGIReceiveEvent:
            # What Quart-Trio does about a disconnect depends on its version; it hears of none.
            message = await receive()
            if message["type"] == "http.disconnect":
                if not last_send:
                    present.cancel()
                await trio.sleep_forever()
            return message

        async def send_on(message: ASGISendEvent) -> None:
            nonlocal last_send
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                last_send = True
            await send(message)
            if last_send:
                cast("dict[str, object]", self.scope)[_SENT] = True

        async with trio.open_nursery() as nursery:
            async with AsyncExitStack() as stack:
                cast("dict[str, object]", self.scope).update({_STACK: stack, _NURSERY: nursery})
                with present:
                    request = self._create_request_from_scope(send)
                    nursery.start_soon(self.handle_messages, nursery, request, receive_body)
                    await self._answer(request, send_on)
            nursery.cancel_scope.cancel()

    async def _answer(self, request: Request, send: ASGISendCallable) -> None:
        response = await self.app.handle_request(request)
        timeout = self.app.config["RESPONSE_TIMEOUT"]
        if isinstance(response, Response):
            if response.timeout is not ...:
                timeout = response.timeout
            if request.method == "HEAD":
                response.response = response.data_body_class(b"")
        with trio.CancelScope() as scope:
            if timeout is not None:
                scope.deadline = trio.current_time() + timeout
            await self._send_response(send, response)
