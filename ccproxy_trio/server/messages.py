"""POST /v1/messages: lease an instance, begin the turn, and relay its events or assemble them.

Nothing is sent before the first event has come, so that every failure until then has its own status; a failure after
it is an `error` event. The lease is the request's: it ends when the answer has been sent or the client has left, and
the pool then rewinds the instance, whatever was under way.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import orjson
import trio
from attrs import evolve, frozen
from quart import Response, g, request

from ccproxy_trio.claude.errors import InstanceDied, InstanceError, InstanceNonsense, TurnFailed
from ccproxy_trio.dialects.anthropic.errors import error_event
from ccproxy_trio.dialects.anthropic.events import InvalidStream, MessageAssembler
from ccproxy_trio.dialects.anthropic.request import parse_request
from ccproxy_trio.dialects.sse import encode_event
from ccproxy_trio.pool import RetireReason

from .failures import failure_of
from .transport import request_stack, stream_response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ccproxy_trio.claude.instance import Instance, Turn
    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.dialects.anthropic.request import MessagesRequest
    from ccproxy_trio.pool import Lease

log = logging.getLogger("ccproxy_trio.server")

_PING = encode_event("ping", b'{"type": "ping"}')


@frozen
class Messages:
    """The endpoint, with what it works on."""

    claude: ClaudePool
    ping_interval: float

    async def create(self) -> Response:
        """Answer one request."""
        asked = parse_request(await request.get_data(cache=False, as_text=False, parse_form_data=False))
        lease = await request_stack().enter_async_context(self.claude.acquire(asked))
        answer = await _Answer.begin(lease, asked, self.claude.resolve_model(asked.model))
        if asked.stream:
            headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
            return stream_response(self._relay(answer, g.request_id), headers=headers)
        return Response(orjson.dumps(await answer.assemble()), content_type="application/json")

    async def _relay(self, answer: _Answer, request_id: str) -> AsyncGenerator[bytes, None]:
        while True:
            events: list[dict[str, Any]] | None = None
            try:
                with trio.move_on_after(self.ping_interval):
                    events = await answer.receive()
            except (TurnFailed, InstanceError) as error:
                failure = failure_of(error)
                log.warning(
                    "%s broke off (upstream: %s): %s", request_id, failure.request_id, failure.message
                )
                # The head has told our id by now, and a stream has one id.
                yield error_event(evolve(failure, request_id=None), request_id)
                return
            if events is None:
                yield _PING
            elif events:
                yield b"".join([encode_event(event["type"], orjson.dumps(event)) for event in events])
            else:
                return


class _Answer:
    """A turn on a leased instance. An instance that failed is retired at once, and not rewound in vain."""

    def __init__(self, lease: Lease[Instance], turn: Turn, ready: list[dict[str, Any]]) -> None:
        self._lease = lease
        self._turn = turn
        self._ready = ready

    @classmethod
    async def begin(cls, lease: Lease[Instance], asked: MessagesRequest, model: str) -> _Answer:
        """Ask, and wait for the first event. Raises TurnFailed or InstanceError."""
        try:
            turn = await lease.value.begin(asked, model)
            return cls(lease, turn, await turn.receive())
        except InstanceError as error:
            _retire(lease, error)
            raise

    async def receive(self) -> list[dict[str, Any]]:
        """The next events, none at the end. Raises TurnFailed or InstanceError; a cancelled call loses nothing."""
        if self._ready:
            ready, self._ready = self._ready, []
            return ready
        try:
            return await self._turn.receive()
        except InstanceError as error:
            _retire(self._lease, error)
            raise

    async def assemble(self) -> dict[str, Any]:
        """The whole message, of what has not been received yet. Raises TurnFailed or InstanceError."""
        assembler = MessageAssembler()
        try:
            while events := await self.receive():
                for event in events:
                    if message := assembler.feed(event):
                        return message
        except InvalidStream as error:
            self._lease.retire(RetireReason.BROKEN)
            raise InstanceNonsense(f"the claude process sent events that are no message: {error}") from error
        raise InstanceNonsense("the claude process sent no message_stop")


def _retire(lease: Lease[Instance], error: InstanceError) -> None:
    lease.retire(RetireReason.DIED if isinstance(error, InstanceDied) else RetireReason.BROKEN)
