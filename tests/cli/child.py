"""A CLI under test, real or stand-in: started over pipes, fed frames, read frame by frame, ended with the block."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

Frame = dict[str, Any]

FLAGS = (
    *("-p", "--input-format", "stream-json", "--output-format", "stream-json"),
    *("--verbose", "--include-partial-messages", "--tools", "", "--strict-mcp-config"),
    *("--setting-sources", "", "--no-session-persistence", "--disable-slash-commands"),
    *("--permission-prompt-tool", "stdio", "--bare", "--model", "claude-sonnet-4-5"),
)


def control(subtype: str, **fields: Any) -> Frame:
    request = {"subtype": subtype, **fields}
    return {"type": "control_request", "request_id": f"{subtype}-request", "request": request}


def user(content: Any, identity: str, **fields: Any) -> Frame:
    message = {"role": "user", "content": content}
    about = {"parent_tool_use_id": None, "session_id": "", "uuid": identity, "client_composed": True}
    return {"type": "user", "message": message, **about, **fields}


def assistant(content: Any, model: str = "claude-sonnet-4-5") -> Frame:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    message = {"role": "assistant", "model": model, "content": blocks}
    return {"type": "assistant", "message": message, "parent_tool_use_id": None}


def settings(model: str | None = None, **env: str) -> Frame:
    """What is to be so from now on; what is not named stays."""
    named = {} if model is None else {"model": model}
    return control("apply_flag_settings", settings={**named, "env": env})


def extra_body(text: str) -> Frame:
    return settings(CLAUDE_CODE_EXTRA_BODY=text)


def rewind(target: str, last_seen: str | None = None, *, interrupt: bool = True) -> Frame:
    seen = {"last_seen_user_message_uuid": last_seen or target}
    return control("rewind_conversation", target_message_uuid=target, interrupt_if_running=interrupt, **seen)


def new_uuid() -> str:
    return str(uuid.uuid4())


def is_result(frame: Frame) -> bool:
    return str(frame["type"]) == "result"


def is_response(frame: Frame) -> bool:
    return str(frame["type"]) == "control_response"


def is_delta(frame: Frame) -> bool:
    return frame["type"] == "stream_event" and str(frame["event"]["type"]) == "content_block_delta"


class Child:
    """A running CLI. `stderr` grows as it is written."""

    def __init__(self, process: trio.Process, *, bound: float) -> None:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("a child is started with pipes")
        self.process = process
        self.stdin = process.stdin
        self.stderr = bytearray()
        self.stdout = process.stdout
        self._bound = bound
        self._silent = trio.Event()
        self._tail = b""
        self._lines: list[bytes] = []

    async def send(self, *frames: Frame | bytes) -> None:
        """All of them in one write."""
        lines = [
            frame if isinstance(frame, bytes) else json.dumps(frame).encode() + b"\n" for frame in frames
        ]
        with trio.fail_after(self._bound):
            await self.stdin.send_all(b"".join(lines))

    async def line(self) -> bytes:
        """The next line, or what is left of one at the end; empty at the end."""
        with trio.fail_after(self._bound):
            while not self._lines:
                data = await self.stdout.receive_some()
                *self._lines, self._tail = (self._tail + data).split(b"\n")
                if not data:
                    rest, self._tail = self._tail, b""
                    return rest
        return self._lines.pop(0)

    async def frame(self) -> Frame:
        line = await self.line()
        if not line:
            raise EOFError(f"the child ended: {bytes(self.stderr[-500:])!r}")
        frame: Frame = json.loads(line)
        return frame

    async def until(self, wanted: Callable[[Frame], bool]) -> list[Frame]:
        """The frames up to and with the first that is wanted."""
        frames = [await self.frame()]
        while not wanted(frames[-1]):
            frames.append(await self.frame())
        return frames

    async def ask(self, *frames: Frame) -> Frame:
        """Send, and return the next control response's inside."""
        await self.send(*frames)
        response: Frame = (await self.until(is_response))[-1]["response"]
        return response

    async def turn(self, content: Any, identity: str | None = None, **fields: Any) -> list[Frame]:
        """The frames of one turn, up to its end."""
        await self.send(user(content, identity or new_uuid(), **fields))
        frames = await self.until(is_result)
        frames.append(await self.frame())
        if frames[-1]["type"] != "command_lifecycle":
            raise AssertionError(f"a turn ended with {frames[-1]}")
        return frames

    async def exit_code(self) -> int:
        """Wait for the end of the process and of its stderr."""
        with trio.fail_after(self._bound):
            await self._silent.wait()
            return await self.process.wait()

    async def drain_stderr(self) -> None:
        if self.process.stderr is not None:
            async for data in self.process.stderr:
                self.stderr += data
        self._silent.set()


@asynccontextmanager
async def open_child(
    command: Sequence[str], env: Mapping[str, str], cwd: Path, *, bound: float = 10.0
) -> AsyncIterator[Child]:
    """Start `command`; its whole process group is gone when the block is left."""
    process = await trio.lowlevel.open_process(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
    )
    child = Child(process, bound=bound)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child.drain_stderr)
            yield child
            nursery.cancel_scope.cancel()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        with trio.move_on_after(5, shield=True):
            await process.wait()
            for stream in (child.stdin, child.stdout, process.stderr):
                if stream is not None:
                    await stream.aclose()
