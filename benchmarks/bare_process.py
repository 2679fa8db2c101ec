"""A CLI with nothing of ours around it, for `benchmarks.history`: what the CLI itself needs for a conversation.

It is given the frames that an instance would send, written before the clock runs, and what it says is only searched
for the ends of messages.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ccproxy_trio.claude.locate import Launch

_RESULT = b'"type":"result"'
_REWOUND = b'"rewound":true'


@frozen
class Took:
    """Seconds that one request took."""

    history: float
    """Until the last message was there to be answered."""
    whole: float
    """Until the answer had ended."""
    own_cpu: float
    """CPU of our process until the last message was there."""
    cli_cpu: float
    """CPU of the CLI until then."""


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used; the kernel counts in hundredths."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def line(kind: str, **fields: Any) -> bytes:
    """A frame as the CLI reads it."""
    return json.dumps({"type": kind, **fields}).encode() + b"\n"


def control(**request: Any) -> bytes:
    """A control request."""
    return line("control_request", request_id=uuid4().hex, request=request)


@frozen
class BareProcess:
    """A CLI, and nothing of ours around it."""

    process: subprocess.Popen[bytes]
    url: str
    said: bytearray = field(factory=bytearray)

    def ask(self, messages: Sequence[Mapping[str, Any]], model: str) -> Took:
        """Tell a conversation as an instance would, have its last message answered, and forget it."""
        *steps, last, rewind = self._frames(messages, model)
        cpu, cli_cpu, started = process_time(), cpu_of(self.process.pid), perf_counter()
        for step in steps:
            self._write(step)
            self._read_until(_RESULT)
        self._write(last)
        told = perf_counter(), process_time(), cpu_of(self.process.pid)
        answer = self._read_until(b'"message_stop"')
        ended = perf_counter()
        assert b'"input_tokens":%d,' % (10 + len(messages)) in answer, "not all messages reached the API"
        self._read_until(_RESULT)
        self._write(rewind)
        self._read_until(_REWOUND)
        return Took(told[0] - started, ended - started, told[1] - cpu, told[2] - cli_cpu)

    def _frames(self, messages: Sequence[Mapping[str, Any]], model: str) -> Sequence[bytes]:
        """Each step of the history, the first of them an anchor; the question; and the rewind."""
        extra = json.dumps({"max_tokens": 100, "thinking": {"type": "disabled"}})
        env = {"CLAUDE_CODE_EXTRA_BODY": extra, "ANTHROPIC_BASE_URL": self.url}
        frames = control(subtype="apply_flag_settings", settings={"model": model, "env": env})
        steps: list[bytes] = []
        *history, question = messages
        first = None
        if history:
            frame, first = _user([], asked=False)
            steps.append(frames + frame)
            frames = b""
        for message in history:
            if message["role"] == "assistant":
                frames = line("assistant", message={**message, "model": model}, parent_tool_use_id=None)
            else:
                steps.append(frames + _user(message["content"], asked=False)[0])
        frame, asked = _user(question["content"], asked=True)
        target = {"target_message_uuid": first or asked, "last_seen_user_message_uuid": asked}
        rewind = control(subtype="rewind_conversation", interrupt_if_running=True, **target)
        return [*steps, frames + frame, rewind]

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _read_until(self, mark: bytes) -> bytes:
        assert self.process.stdout is not None
        while (at := self.said.find(mark)) < 0:
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
            assert chunk, f"the process ended after {self.said[-2000:]!r}"
            self.said.extend(chunk)
        end = at + len(mark)
        found = bytes(self.said[:end])
        del self.said[:end]
        return found


def _user(content: object, *, asked: bool) -> tuple[bytes, str]:
    uuid = str(uuid4())
    frame = {
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": None,
        "session_id": "",
        "uuid": uuid,
        "client_composed": True,
        **({} if asked else {"shouldQuery": False}),
    }
    return line("user", **frame), uuid


@contextmanager
def open_bare(launch: Launch, folder: Path) -> Iterator[BareProcess]:
    """A bare process, which has been told that there is no system prompt."""
    pipe = subprocess.PIPE
    env = launch.environment(folder)
    # In a session of its own, as an instance is: the kernel shares the CPU among sessions.
    with subprocess.Popen(
        launch.argv, stdin=pipe, stdout=pipe, cwd=folder, env=env, start_new_session=True
    ) as process:
        bare = BareProcess(process, launch.base_url)
        bare._write(control(subtype="initialize", systemPrompt=[]))
        bare._read_until(b"control_response")
        try:
            yield bare
        finally:
            process.terminate()
