"""Clients that ask without a pause, streams and whole answers, and count what becomes of each request."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import trio
from attrs import define, field, frozen

from tests.raw_http import Answer, RawConnection, open_connection
from tests.server.proxy import body_of

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES = (OSError, EOFError, trio.BrokenResourceError)


@frozen
class Outcome:
    """Of one request."""

    prompt: str
    began: int
    """After so many of the marks that the test has set."""
    server: str
    """Who answered; empty when that is not known."""
    whole: bool
    stream: bool


@define(eq=False)
class Load:
    """Every other client takes streams, on a connection that it keeps; the others a connection for each answer.

    A request that breaks off before its answer is a 502 to the latter. To the former HAProxy closes the connection
    without a word, also in its log, if it was not the first one there: then the client is to decide.
    """

    port: int
    outcomes: list[Outcome] = field(factory=list)
    marks: int = 0
    _stopping: bool = False
    _changed: trio.Event = field(factory=trio.Event)
    _ended: trio.Event = field(factory=trio.Event)

    def mark(self) -> None:
        """Requests that begin from now on are told from those that began before."""
        self.marks += 1

    @property
    def failed(self) -> list[Outcome]:
        """What was not answered as a whole."""
        return [outcome for outcome in self.outcomes if not outcome.whole]

    def count(self, server: str) -> int:
        """How many whole answers of this server's began after the last mark."""
        return sum(each.server == server and each.began == self.marks for each in self.outcomes if each.whole)

    async def until(self, holds: Callable[[Load], bool]) -> None:
        """Wait until something is true of the outcomes."""
        with trio.fail_after(30):
            while not holds(self):
                await self._changed.wait()

    async def run(self, clients: int) -> None:
        """Have so many clients ask until they are told to stop."""
        async with trio.open_nursery() as nursery:
            for number in range(clients):
                nursery.start_soon(self._ask, f"client {number}", bool(number % 2))
        self._ended.set()

    async def stop(self) -> None:
        """Let each client have its last answer."""
        self._stopping = True
        with trio.fail_after(30):
            await self._ended.wait()

    async def _ask(self, name: str, stream: bool) -> None:
        asked = 0
        while not self._stopping:
            async with AsyncExitStack() as stack:
                connection = await stack.enter_async_context(open_connection(self.port))
                kept = True
                while kept and not self._stopping:
                    asked += 1
                    kept = await self._ask_once(connection, f"{name} request {asked}", stream)

    async def _ask_once(self, connection: RawConnection, words: str, stream: bool) -> bool:
        began, answer = self.marks, None
        try:
            await post(connection, f"[[deltas=4; gap=0.03]] {words}", stream=stream)
            answer = await connection.read_answer()
        except FAILURES:
            pass
        whole = answer is not None and is_whole(answer, stream=stream)
        server = answer.headers.get("x-ccproxy-server", "") if answer is not None else ""
        self.outcomes.append(Outcome(words, began, server, whole, stream))
        changed, self._changed = self._changed, trio.Event()
        changed.set()
        return stream and whole


async def post(connection: RawConnection, prompt: str, *, stream: bool) -> None:
    """Send one request."""
    body = body_of(prompt, stream=stream)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
    await connection.send(head.encode() + body)


def is_whole(answer: Answer, *, stream: bool) -> bool:
    """Whether this is all that a client wants."""
    if answer.status != 200:
        return False
    if stream:
        return b"event: message_stop\n" in answer.body
    return bool(json.loads(answer.body)["stop_reason"] == "end_turn")
