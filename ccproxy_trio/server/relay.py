"""An answer on its way to the client, in whatever dialect: its events as they come, or why it broke off.

Nothing is sent before the first event has come, so that every failure until then has its own status; a failure after
it is told in the stream, in the dialect's own way. A silence is filled with pings.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

import trio
from attrs import evolve
from quart import Response, g

from ccproxy_trio.claude.errors import InstanceError, TurnFailed
from ccproxy_trio.dialects.anthropic import InvalidStream

from .failures import describe, failure_of
from .transport import stream_response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ccproxy_trio.claude_pool import Answer
    from ccproxy_trio.dialects.failures import Failure

    from .retold import RetoldAnswer

log = logging.getLogger("ccproxy_trio.server")

_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class Rendering(Protocol):
    """How a dialect says one answer in a stream of server-sent events."""

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


def relay(answer: Answer | RetoldAnswer, rendering: Rendering, ping_interval: float) -> Response:
    """A response that streams `answer`; `ping_interval` is seconds."""
    return stream_response(_relay(answer, rendering, ping_interval, g.request_id), headers=_HEADERS)


async def _relay(
    answer: Answer | RetoldAnswer, rendering: Rendering, ping_interval: float, request_id: str
) -> AsyncGenerator[bytes, None]:
    while True:
        events: list[dict[str, Any]] | None = None
        try:
            with trio.move_on_after(ping_interval):
                events = await answer.receive()
            said = rendering.ping if events is None else rendering.events(events)
        except (TurnFailed, InstanceError, InvalidStream) as error:
            failure = failure_of(error)
            log.warning("%s broke off (upstream: %s): %s", request_id, failure.request_id, describe(error))
            # The head has told our id by now, and a stream has one id.
            yield rendering.failure(evolve(failure, request_id=None), request_id)
            return
        if events == []:
            said = rendering.end()
        if said:
            yield said
        if events == []:
            return
