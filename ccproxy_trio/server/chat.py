"""POST /v1/chat/completions: the same pool, asked and answered in OpenAI's words."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from attrs import frozen
from quart import Response, g

from ccproxy_trio.dialects.openai import (
    DONE,
    ChunkStream,
    build_completion,
    encode_chunk,
    error_chunk,
    parse_chat_request,
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
class ChatCompletions:
    """The endpoint, with what it works on."""

    claude: ClaudePool
    settings: OpenAISettings
    ping_interval: float

    async def create(self) -> Response:
        """Answer one request."""
        shown = self.settings.reasoning_content
        parse = partial(parse_chat_request, unsupported=self.settings.unsupported, show_thinking=shown)
        asked = await read_body(parse)
        g.ignored = asked.ignored
        await permit(self.claude, asked.messages.model)
        created = int(time.time())
        asking = stream_retold(self.claude, asked.messages, asked.places)
        if asked.stream:
            answer = await request_stack().enter_async_context(asking)
            chunks = ChunkStream(created, include_usage=asked.include_usage, show_thinking=shown)
            return relay(answer, _Chunks(chunks), self.ping_interval)
        async with asking as answer:
            completion = build_completion(await answer.message(), created, show_thinking=shown)
            headers = {"x-request-id": answer.request_id or g.request_id}
        return Response(orjson.dumps(completion), headers=headers, content_type="application/json")


@frozen
class _Chunks:
    """The stream as OpenAI's API sends it."""

    chunks: ChunkStream
    ping = b": ping\n\n"

    def events(self, events: Sequence[dict[str, Any]]) -> bytes:
        return b"".join([encode_chunk(chunk) for event in events for chunk in self.chunks.feed(event)])

    def failure(self, failure: Failure, request_id: str) -> bytes:
        return error_chunk(failure)

    def end(self) -> bytes:
        return DONE
