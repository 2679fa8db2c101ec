"""The body of a request: taken in as a whole, and read without holding up the other requests.

What takes long is read in a thread, a few bodies at a time: threads of one program take turns, and each body that is
being read takes several times its size of memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import trio
from quart import current_app, g, request

from ccproxy_trio.claude.errors import OutOfTime
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten

from .observe.prompts import log_asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from quart_trio import QuartTrio

_T = TypeVar("_T")

_SMALL = 64 * 1024
"""Bytes that are read at once: at most a few milliseconds."""
_THREADS = 3
_LIMITER = "CCPROXY_READING"


def limit_reading(app: QuartTrio) -> None:
    """Have the app's bodies read a few at a time."""
    app.config[_LIMITER] = trio.CapacityLimiter(_THREADS)


async def read_body(parse: Callable[[bytes], _T]) -> _T:
    """What `parse` makes of the body of the request under way, or its error.

    Raises InvalidRequest when the body is encoded, OutOfTime at the request's deadline. `parse` may run in a thread,
    and runs to its end there even when nobody waits for it any more.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise InvalidRequest(
            "content-encoding", f"this server takes no encoded bodies, and this is {shorten(encoding)!r}"
        )
    with trio.move_on_at(g.limit.deadline):
        body: bytes = await request.get_data(cache=False, as_text=False, parse_form_data=False)
        log_asked(body)
        if len(body) <= _SMALL:
            return parse(body)
        return await trio.to_thread.run_sync(
            parse, body, abandon_on_cancel=True, limiter=current_app.config[_LIMITER]
        )
    raise OutOfTime("its body was read")
