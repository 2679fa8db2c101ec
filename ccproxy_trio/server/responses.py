"""POST /v1/responses: OpenAI's newer API for the same; nothing of it is stored."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from attrs import frozen
from quart import Response, g

from ccproxy_trio.dialects.openai.responses import (
    ResponseStream,
    build_response,
    encode_response_event,
    parse_responses_request,
)

from .body import read_body
from .permission import permit
from .relay import relay
from .retold import stream_retold
from .transport import request_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.dialects.failures import Failure
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
        g.ignored = asked.ignored
        await permit(self.claude, asked.messages.model)
        asking = stream_retold(self.claude, asked.messages, asked.places)
        if asked.stream:
            answer = await request_stack().enter_async_context(asking)
            return relay(answer, _Events(ResponseStream(asked, _now)), self.ping_interval)
        async with asking as answer:
            created = _now()
            response = build_response(await answer.message(), asked, created, _now())
            headers = {"x-request-id": answer.request_id or g.request_id}
        return Response(orjson.dumps(response), headers=headers, content_type="application/json")


@frozen
class _Events:
    """The stream as OpenAI's API sends it."""

    stream: ResponseStream
    ping = b": ping\n\n"

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
