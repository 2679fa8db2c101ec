"""POST /v1/messages: ask the pool, and relay the answer's events or put them together.

Nothing is sent before the first event has come, so that every failure until then has its own status; a failure after
it is an `error` event. The conversation is the request's: it ends when the answer has been sent or the client has
left, and the pool then rewinds the instance, whatever was under way.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import orjson
import trio
from attrs import evolve, frozen
from quart import Response, g, request

from ccproxy_trio.claude.errors import InstanceError, TurnFailed
from ccproxy_trio.dialects.anthropic.errors import error_event
from ccproxy_trio.dialects.anthropic.request import parse_betas, parse_request
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.sse import encode_event

from .failures import failure_of
from .transport import request_stack, stream_response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ccproxy_trio.claude_pool import Answer, ClaudePool

log = logging.getLogger("ccproxy_trio.server")

_PING = encode_event("ping", b'{"type": "ping"}')


@frozen
class Messages:
    """The endpoint, with what it works on."""

    claude: ClaudePool
    ping_interval: float

    async def create(self) -> Response:
        """Answer one request."""
        encoding = request.headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise InvalidRequest(
                "content-encoding", f"this server takes no encoded bodies, and this is {encoding!r}"
            )
        body = await request.get_data(cache=False, as_text=False, parse_form_data=False)
        betas = parse_betas(request.headers.get("anthropic-beta", ""))
        asked = evolve(parse_request(body), betas=betas)
        g.ignored = asked.ignored
        answer = await request_stack().enter_async_context(self.claude.stream(asked))
        if asked.stream:
            headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
            return stream_response(self._relay(answer, g.request_id), headers=headers)
        message = await answer.message()
        headers = {"request-id": answer.request_id or g.request_id}
        return Response(orjson.dumps(message), headers=headers, content_type="application/json")

    async def _relay(self, answer: Answer, request_id: str) -> AsyncGenerator[bytes, None]:
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
