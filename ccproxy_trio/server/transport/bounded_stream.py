"""A socket stream whose writes end: a peer may be slow, but one that takes nothing is cut off.

Rules:

* A write goes on for as long as the peer takes something within every `stall_timeout` seconds, however
  slowly. What counts is bytes acknowledged, not room in the kernel's buffer: Linux calls a socket writable
  only when a third of that buffer, which may be a megabyte, is free again, so a slow reader would look dead.
* A write that ends early, by a stall or by a cancellation, takes the connection with it: the peer holds half
  a message, and no later byte could make sense to it.
* A write that the kernel takes at once is done without a turn of the scheduler, except every sixteenth, so
  that a fast stream neither pays a checkpoint for each event nor starves the other tasks.
"""

import array
import fcntl
import os
import socket
import struct
import termios
from contextlib import suppress

import trio

CHECKPOINT_EVERY = 16

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class BoundedStream(trio.abc.HalfCloseableStream):
    """Wraps a socket stream; reading is passed on, writing is bounded.

    `stall_timeout` is in seconds. It stands in for the socket stream below a TLS stream as well.
    """

    def __init__(self, stream: trio.SocketStream, stall_timeout: float) -> None:
        self.socket = stream.socket
        self.stall_timeout = stall_timeout
        self._stream = stream
        self._writes = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of it, or raise `trio.BrokenResourceError` and leave the connection closed.

        The caller sees to it that writes do not overlap.
        """
        remaining = memoryview(data)
        remaining = remaining[self._write_nowait(remaining) :]
        while remaining:
            await self._wait_until_writable()
            remaining = remaining[self._write_nowait(remaining) :]
        self._writes += 1
        if self._writes % CHECKPOINT_EVERY == 0:
            await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def abort(self) -> None:
        """Close at once and let the peer see a reset; what the kernel still holds for it is thrown away."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.socket.close()

    def _write_nowait(self, data: memoryview) -> int:
        try:
            return os.write(self.socket.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise trio.BrokenResourceError(f"socket connection broken: {error}") from error

    async def _wait_until_writable(self) -> None:
        left = self._unacknowledged()
        while True:
            try:
                with trio.move_on_after(self.stall_timeout):
                    await trio.lowlevel.wait_writable(self.socket)
                    return
            except trio.Cancelled:
                self.abort()
                raise
            before, left = left, self._unacknowledged()
            if left >= before:
                self.abort()
                raise trio.BrokenResourceError(f"the peer took no byte for {self.stall_timeout} seconds")

    def _unacknowledged(self) -> int:
        """How many of the bytes written the peer's side has not acknowledged."""
        count = array.array("i", [0])
        fcntl.ioctl(self.socket.fileno(), termios.TIOCOUTQ, count)
        return count[0]
