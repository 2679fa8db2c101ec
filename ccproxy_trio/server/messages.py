"""POST /v1/messages: ask the pool, and relay the answer's events or put them together.

The conversation is the request's: it ends when the answer is whole or, if it is a stream, has been sent, or when the
client has left; the pool then rewinds the instance, whatever was under way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from attrs import evolve, frozen
from quart import g, request

from ccproxy_trio.dialects.anthropic.errors import error_event
from ccproxy_trio.dialects.anthropic.request import parse_betas, parse_request
from ccproxy_trio.dialects.sse import encode_event

from .asking import terms
from .body import read_body
from .observe import note_wanted
from .permission import permit
from .relay import respond

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Response

    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.dialects.failures import Failure


@frozen
class Messages:
    """The endpoint, with what it works on."""

    claude: ClaudePool
    ping_interval: float

    async def create(self) -> Response:
        """Answer one request."""
        asked = await read_body(parse_request)
        if betas := parse_betas(",".join(request.headers.getlist("anthropic-beta"))):
            asked = evolve(asked, betas=betas)
        g.ignored += asked.ignored
        note_wanted(self.claude, asked.model, stream=asked.stream)
        await permit(self.claude, asked.model)
        asking = self.claude.stream(asked, **terms(stream=asked.stream))
        return await respond(asking, _AsItIs(), stream=asked.stream, ping_interval=self.ping_interval)


class _AsItIs:
    """The answer as upstream gives it."""

    def whole(self, message: dict[str, Any]) -> dict[str, Any]:
        return message

    ping = encode_event("ping", b'{"type": "ping"}')

    def events(self, events: Sequence[dict[str, Any]]) -> bytes:
        return b"".join([encode_event(event["type"], orjson.dumps(event)) for event in events])

    def failure(self, failure: Failure, request_id: str) -> bytes:
        return error_event(failure, request_id)

    def end(self) -> bytes:
        return b""
