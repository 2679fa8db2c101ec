"""Responses whose body is produced while it is sent, for as long as that takes.

Quart ends the sending of any response after its RESPONSE_TIMEOUT, 60 s, in silence: a long stream would
simply stop. A stream here has no such limit; what bounds it is the producer, and the write timeout of the
connection.
"""

from collections.abc import AsyncGenerator, Mapping
from inspect import isasyncgen

from quart import Response, current_app


def stream_response(
    body: AsyncGenerator[bytes, None], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A response that sends what `body` yields, each item in one write, and closes it in every case.

    `body` must be an async generator; Quart-Trio cannot iterate other asynchronous iterables, and only a
    generator can be closed when the client leaves. Raises `TypeError` for anything else.
    """
    if not isasyncgen(body):
        raise TypeError(f"the body of a stream must be an async generator, not {type(body).__name__}")
    response: Response = current_app.response_class(body, status, dict(headers or {}))
    response.timeout = None
    return response
