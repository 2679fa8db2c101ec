"""What clients ask and are answered, word by word, in the log: only where the operator says so (`log.prompts`)."""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from quart import g

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

log = logging.getLogger("ccproxy_trio.prompts")


def log_asked(body: bytes) -> None:
    """Log the body of the request under way, if that is to be."""
    if g.endpoints.settings.log.prompts:
        log.debug("asked: %s", body.decode(errors="backslashreplace"))


def log_answered(body: bytes) -> bytes:
    """Log a whole answer, if that is to be, and return it."""
    if g.endpoints.settings.log.prompts:
        log.debug("answered: %s", body.decode(errors="backslashreplace"))
    return body


def log_stream(body: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same stream; what it says is logged, if that is to be."""
    return _log_pieces(body) if g.endpoints.settings.log.prompts else body


async def _log_pieces(body: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(body):
        async for piece in body:
            log.debug("answered: %s", piece.decode(errors="backslashreplace"))
            yield piece
