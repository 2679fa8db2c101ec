"""What is said against a translated request, in the terms of the request that the client wrote."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ccproxy_trio.claude.errors import TurnFailed
from ccproxy_trio.dialects.failures import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ccproxy_trio.claude_pool import Answer, ClaudePool
    from ccproxy_trio.dialects.anthropic.request import MessagesRequest
    from ccproxy_trio.dialects.openai import Places


@asynccontextmanager
async def stream_retold(
    claude: ClaudePool, messages: MessagesRequest, places: Places
) -> AsyncIterator[Answer]:
    """`ClaudePool.stream`, with paths that lead into the request which `messages` was made from."""
    try:
        async with claude.stream(messages) as answer:
            yield answer
    except InvalidRequest as error:
        raise places.retell(error) from error
    except TurnFailed as error:
        raise TurnFailed(places.retell_failure(error.failure)) from error
