"""POST /v1/responses: OpenAI's newer API for the same; nothing of it is stored."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import frozen
from quart import g

from ccproxy_trio.dialects.openai.responses import (
    ResponseStream,
    build_response,
    encode_response_event,
    parse_responses_request,
)

from .asking import terms
from .body import read_body
from .observe import note_wanted
from .permission import permit
from .relay import respond
from .retold import stream_retold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Response

    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.dialects.failures import Failure
    from ccproxy_trio.dialects.openai.responses import ResponsesRequest
    from ccproxy_trio.settings import OpenAISettings


@frozen
class Responses:
    """The endpoint, with what it works on."""

    claude: ClaudePool
    settings: OpenAISettings
    ping_interval: float

    async def create(self) -> Response:
        """Answer one request."""
        asked = await read_body(partial(parse_responses_request, unsupported=self.settings.unsupported))
        g.ignored += asked.ignored
        note_wanted(self.claude, asked.messages.model, stream=asked.stream)
        await permit(self.claude, asked.messages.model)
        asking = stream_retold(self.claude, asked.messages, asked.places, terms(stream=asked.stream))
        return await respond(asking, _Response(asked), stream=asked.stream, ping_interval=self.ping_interval)


class _Response:
    """The answer as OpenAI's API gives it."""

    ping = b": ping\n\n"

    def __init__(self, asked: ResponsesRequest) -> None:
        self.asked = asked
        self.created = _now()
        self.stream = ResponseStream(asked, _now)

    def whole(self, message: dict[str, Any]) -> dict[str, Any]:
        return build_response(message, self.asked, self.created, _now())

    def events(self, events: Sequence[dict[str, Any]]) -> bytes:
        return _encode([said for event in events for said in self.stream.feed(event)])

    def failure(self, failure: Failure, request_id: str) -> bytes:
        return _encode(self.stream.fail(failure))

    def end(self) -> bytes:
        return b""


def _now() -> int:
    return int(time.time())


def _encode(events: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(map(encode_response_event, events))
