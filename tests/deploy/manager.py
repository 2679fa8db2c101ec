"""The other end of sd_notify: a real datagram socket, as a service manager has it."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from tests.server.http_client import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

Message = dict[str, str]


class Manager:
    """What it is told, message by message, each a table of its lines."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening

    async def next(self) -> Message:
        """Wait for the next message."""
        with trio.fail_after(PATIENCE):
            await trio.lowlevel.wait_readable(self._listening)
        return self._receive()

    async def until(self, name: str) -> list[Message]:
        """Wait for the next message in which this is told, and return all up to it."""
        told = [await self.next()]
        while name not in told[-1]:
            told.append(await self.next())
        return told

    def rest(self) -> list[Message]:
        """What else has come."""
        told: list[Message] = []
        while True:
            try:
                told.append(self._receive())
            except BlockingIOError:
                return told

    def _receive(self) -> Message:
        lines = self._listening.recv(4096).decode().split("\n")
        return {name: value for name, _, value in (line.partition("=") for line in lines)}


@contextmanager
def listen(address: str) -> Iterator[Manager]:
    """Be the manager at this address; an abstract one begins with @."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.setblocking(False)
        listening.bind("\0" + address[1:] if address.startswith("@") else address)
        yield Manager(listening)
