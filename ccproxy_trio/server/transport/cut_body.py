"""A request's body, cut off where it has become too large.

Some versions of Quart say that a body is too large only when it has ended, and keep all that comes until then. Cut
off behind the first piece too many it has ended, and is too large for all of them; what comes of it after that is
thrown away.
"""

from typing import TYPE_CHECKING

from hypercorn.typing import ASGIReceiveCallable, ASGIReceiveEvent

if TYPE_CHECKING:
    from hypercorn.typing import HTTPRequestEvent


def cut_body(receive: ASGIReceiveCallable, most: int | None) -> ASGIReceiveCallable:
    """`receive`, with a body that ends behind the piece with which it has more than `most` bytes; None for no end."""
    if most is None:
        return receive
    taken = 0

    async def receive_cut() -> ASGIReceiveEvent:
        nonlocal taken
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message
            if taken <= most:
                taken += len(message.get("body", b""))
                if taken <= most:
                    return message
                last: HTTPRequestEvent = {**message, "more_body": False}
                return last

    return receive_cut
