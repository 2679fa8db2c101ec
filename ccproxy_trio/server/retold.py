"""What is said against a translated request, in the terms of the request that the client wrote."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from attrs import frozen

from ccproxy_trio.claude.errors import TurnFailed
from ccproxy_trio.dialects.failures import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ccproxy_trio.claude.answer import Answer
    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.dialects.anthropic.request import MessagesRequest
    from ccproxy_trio.dialects.openai import Places

    from .asking import Terms


@frozen
class RetoldAnswer:
    """An answer to a translated request; its failures are in the client's terms."""

    answer: Answer
    places: Places

    @property
    def request_id(self) -> str | None:
        """As `Answer.request_id`."""
        return self.answer.request_id

    async def receive(self) -> list[dict[str, Any]]:
        """As `Answer.receive`."""
        with _in_terms_of(self.places):
            return await self.answer.receive()

    async def message(self) -> dict[str, Any]:
        """As `Answer.message`."""
        with _in_terms_of(self.places):
            return await self.answer.message()

    async def give_up(self) -> None:
        """As `Answer.give_up`."""
        await self.answer.give_up()


@asynccontextmanager
async def stream_retold(
    claude: ClaudePool, messages: MessagesRequest, places: Places, terms: Terms
) -> AsyncIterator[RetoldAnswer]:
    """`ClaudePool.stream`, with paths that lead into the request which `messages` was made from."""
    with _in_terms_of(places):
        async with claude.stream(messages, **terms) as answer:
            yield RetoldAnswer(answer, places)


@contextmanager
def _in_terms_of(places: Places) -> Iterator[None]:
    try:
        yield
    except InvalidRequest as error:
        raise places.retell(error) from error
    except TurnFailed as error:
        raise TurnFailed(places.retell_failure(error.failure)) from error
