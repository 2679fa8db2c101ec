"""Seeded raw requests against any server on loopback: valid, cut, pipelined, mutated and absurd ones.

`fuzz(port, count, seed)` sends them a batch at a time, and after each batch the server must answer one good request.
What it answers to the others is its own affair.
"""

from collections.abc import Callable, Sequence
from random import Random

import trio
import trio.lowlevel

from tests.raw_http import RawConnection, open_connection

from .odd_requests import ABSURD, METHODS, ODD_HEADERS, ODD_TARGETS

BATCH = 25
LOOK = 0.1
"""Seconds that a fuzzing client waits for an answer before it leaves."""

LEAVE = 1.0
"""Seconds after which it leaves even if the server takes no more of its bytes."""

GOOD = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Fuzzer:
    """Makes byte strings from one source of chance; `paths` are the targets that the application serves."""

    def __init__(self, seed: int, paths: Sequence[str]) -> None:
        self.random = Random(seed)
        self.paths = paths

    def make(self) -> bytes:
        kinds: list[Callable[[], bytes]] = [
            *[self.valid, self.cut, self.mutated, self.absurd],
            *[self.pipelined, self.odd] * 2,
        ]
        return self.random.choice(kinds)()

    def valid(self) -> bytes:
        extra = self.random.choices(
            ["Connection: close", "Accept: */*", "X-A: b"], k=self.random.randrange(3)
        )
        method, path = self.random.choice(METHODS[:8]), self.random.choice(self.paths)
        return self.request(
            method, path, ["Host: localhost", *extra], self.random.choice(["1.1", "1.1", "1.0"])
        )

    def odd(self) -> bytes:
        headers = ["Host: localhost", *self.random.choices(ODD_HEADERS, k=self.random.randrange(1, 4))]
        target = self.random.choice([*ODD_TARGETS, *self.paths * 5])
        return self.request(self.random.choice(METHODS), target, headers, "1.1")

    def request(self, method: str, target: str, headers: list[str], version: str) -> bytes:
        body = self.random.randbytes(self.random.choice([0, 0, 1, 100, 5000, 200_000]))
        if body and version == "1.1" and self.random.random() < 0.5:
            headers = [*headers, "Transfer-Encoding: chunked"]
            body = self.chunked(body)
        elif body:
            headers = [*headers, f"Content-Length: {len(body)}"]
        head = "\r\n".join([f"{method} {target} HTTP/{version}", *headers])
        return head.encode("latin-1") + b"\r\n\r\n" + body

    def chunked(self, body: bytes) -> bytes:
        size = self.random.choice([len(body) // 200 + 1, 1000, len(body)])
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"

    def cut(self) -> bytes:
        whole = self.valid()
        return whole[: self.random.randrange(len(whole))]

    def pipelined(self) -> bytes:
        makers = [self.valid, self.valid, self.odd, self.absurd]
        return b"".join(self.random.choice(makers)() for _ in range(self.random.randrange(2, 6)))

    def mutated(self) -> bytes:
        data = bytearray(self.valid())
        for _ in range(self.random.randrange(1, 6)):
            at = self.random.randrange(min(len(data), 300))
            data[at : at + self.random.randrange(2)] = self.random.randbytes(self.random.randrange(3))
        return bytes(data)

    def absurd(self) -> bytes:
        return self.random.choice([*ABSURD, self.random.randbytes(self.random.randrange(3000))])


async def send_in_pieces(
    connection: RawConnection, pieces: Sequence[bytes], *, half_close: bool, look: bool
) -> None:
    with trio.move_on_after(LEAVE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.read_to_end)
            try:
                for piece in pieces:
                    await connection.stream.send_all(piece)
                    await trio.lowlevel.checkpoint()
                if half_close:
                    await connection.stream.send_eof()
                if look:
                    await trio.sleep(LOOK)
            except (trio.BrokenResourceError, OSError):
                pass
            nursery.cancel_scope.cancel()


async def fuzz(
    port: int, count: int, seed: int, *, paths: Sequence[str] = ("/",), good: bytes = GOOD, status: int = 200
) -> None:
    """Send `count` requests; after each batch, `good` must be answered with `status`.

    Raises `AssertionError` naming the batch that the server did not get over: the seed makes it again.
    """
    fuzzer = Fuzzer(seed, paths)
    chance = fuzzer.random

    async def send_one(payload: bytes, cuts: list[int], half_close: bool, look: bool) -> None:
        pieces = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True) if b > a]
        async with open_connection(port) as connection:
            await send_in_pieces(connection, pieces, half_close=half_close, look=look)

    for start in range(0, count, BATCH):
        async with trio.open_nursery() as nursery:
            for _ in range(min(BATCH, count - start)):
                payload = fuzzer.make()
                cuts = sorted(chance.randrange(len(payload) + 1) for _ in range(chance.choice([0, 0, 1, 4])))
                nursery.start_soon(send_one, payload, cuts, chance.random() < 0.2, chance.random() < 0.8)
        try:
            async with open_connection(port) as connection:
                await connection.send(good)
                answered = (await connection.read_answer()).status
        except (OSError, EOFError, trio.TooSlowError, trio.BrokenResourceError) as error:
            raise AssertionError(
                f"no answer after requests {start} to {start + BATCH} of seed {seed}"
            ) from error
        assert answered == status, f"{answered} after requests {start} to {start + BATCH} of seed {seed}"
