"""POST /v1/chat/completions: the same pool, asked and answered in OpenAI's words."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import frozen
from quart import g

from ccproxy_trio.dialects.openai import (
    DONE,
    ChunkStream,
    build_completion,
    encode_chunk,
    error_chunk,
    parse_chat_request,
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
        g.ignored += asked.ignored
        note_wanted(self.claude, asked.messages.model, stream=asked.stream)
        await permit(self.claude, asked.messages.model)
        asking = stream_retold(self.claude, asked.messages, asked.places, terms(stream=asked.stream))
        completion = _Completion(int(time.time()), include_usage=asked.include_usage, show_thinking=shown)
        return await respond(asking, completion, stream=asked.stream, ping_interval=self.ping_interval)


class _Completion:
    """The answer as OpenAI's API gives it."""

    ping = b": ping\n\n"

    def __init__(self, created: int, *, include_usage: bool, show_thinking: bool) -> None:
        self.chunks = ChunkStream(created, include_usage=include_usage, show_thinking=show_thinking)
        self.whole = partial(build_completion, created=created, show_thinking=show_thinking)

    def events(self, events: Sequence[dict[str, Any]]) -> bytes:
        return b"".join([encode_chunk(chunk) for event in events for chunk in self.chunks.feed(event)])

    def failure(self, failure: Failure, request_id: str) -> bytes:
        return error_chunk(failure)

    def end(self) -> bytes:
        return DONE
