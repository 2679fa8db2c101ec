"""A port that a program is to be given later, or that nobody is to listen at: until then it is nobody else's."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reserve_port() -> Iterator[int]:
    """One of loopback's, until the block ends: the kernel gives it to none that asks for any.

    Whoever names it can listen there, if with SO_REUSEADDR, as servers do. While nobody does, it refuses connections.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port
