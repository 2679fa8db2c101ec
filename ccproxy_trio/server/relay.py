"""An answer on its way to the client, in whatever dialect: its events as they come, or why it broke off.

Nothing is sent before the first event has come, so that every failure until then has its own status; a failure after
it is told in the stream, in the dialect's own way. A silence is filled with pings.

A client that takes a stream slowly holds an instance for as long; at the request's deadline that ends, wherever the
stream is stuck then.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import trio
from attrs import evolve
from quart import Response, g

from ccproxy_trio.claude.errors import ClaudeError
from ccproxy_trio.dialects.anthropic import InvalidStream

from .failures import describe, failure_of
from .observe.prompts import log_answered
from .transport import call_at, request_stack, stream_response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from contextlib import AbstractAsyncContextManager

    from ccproxy_trio.claude.answer import Answer
    from ccproxy_trio.dialects.failures import Failure

    from .observe import RequestRecord
    from .retold import RetoldAnswer

log = logging.getLogger("ccproxy_trio.server")

_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class Rendering(Protocol):
    """How a dialect says one answer: as a whole, or in a stream of server-sent events."""

    def whole(self, message: dict[str, Any]) -> dict[str, Any]:
        """What the whole message is in the dialect."""
        ...

    ping: bytes
    """What may be said at any time, and means nothing."""

    def events(self, events: Sequence[dict[str, Any]]) -> bytes:
        """What these events of the Messages stream are in the dialect; nothing, if that is nothing."""
        ...

    def failure(self, failure: Failure, request_id: str) -> bytes:
        """The end of a stream that broke off."""
        ...

    def end(self) -> bytes:
        """What follows the last event."""
        ...


async def respond(
    asking: AbstractAsyncContextManager[Answer | RetoldAnswer],
    rendering: Rendering,
    *,
    stream: bool,
    ping_interval: float,
) -> Response:
    """Ask, and wait for the whole answer, or if it is to be a `stream` for its beginning.

    `ping_interval` is seconds.
    """
    rendering = log_answered(rendering)
    if stream:
        answer = await request_stack().enter_async_context(asking)
        if g.limit.deadline < math.inf:
            call_at(g.limit.deadline, answer.give_up)
        body = _relay(answer, rendering, ping_interval, g.record, g.limit.name)
        return stream_response(body, headers=_HEADERS)
    async with asking as answer:
        message = await answer.message()
        g.request_id = answer.request_id or g.request_id
    return Response(orjson.dumps(rendering.whole(message)), content_type="application/json")


async def _relay(
    answer: Answer | RetoldAnswer,
    rendering: Rendering,
    ping_interval: float,
    record: RequestRecord,
    limit: str,
) -> AsyncGenerator[bytes, None]:
    while True:
        events: list[dict[str, Any]] | None = None
        try:
            with trio.move_on_after(ping_interval):
                events = await answer.receive()
            said = rendering.ping if events is None else rendering.events(events)
        except (ClaudeError, InvalidStream) as error:
            failure = failure_of(error, limit)
            record.fail(error, failure.request_id)
            log.warning("%s broke off (upstream: %s): %s", record.id, failure.request_id, describe(error))
            await answer.give_up()  # telling it may take long
            # The head has told our id by now, and a stream has one id.
            yield rendering.failure(evolve(failure, request_id=None), record.id)
            return
        if events == []:
            said = rendering.end()
        if said:
            yield said
        if events == []:
            return
