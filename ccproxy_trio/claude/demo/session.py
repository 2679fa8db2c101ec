"""The CLI's side of the protocol: lines in, bytes out, and the time at which there is more to say. No I/O.

The rules, as measured on version 2.1.330:

* a user frame waits for its turn; an assistant frame goes into the conversation at once;
* a second `initialize` succeeds and is ignored;
* a rewind with `interrupt_if_running` first ends the running turn, then looks for its target;
* a user uuid that was seen before is dropped without a word, even after its rewind.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .context import describe_context
from .conversation import VERSION, Conversation
from .directives import blocks_of, read_prompt
from .environment import Environment
from .faults import Faults, fail_before_init
from .models import list_models, resolve_model
from .turn import Ledger, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .directives import Json
    from .turn import Output

_BATCH = 65536
_REMEMBERED_UUIDS = 10_000
_NO_MODEL = 'Model "(unrecognized model name)" is not a recognized model id.'


@dataclass(frozen=True)
class Options:
    """What the command line says, as far as it makes a difference here."""

    model: str | None = None
    effort: str | None = None
    max_turns: int | None = None


class Malformed(Exception):
    """A line that ends the process; its text is what the CLI says on stderr."""


class Session:
    """Feed it with `receive`, and call `proceed` when `due` has come; send what both return, in that order."""

    def __init__(self, options: Options, variables: Mapping[str, str]) -> None:
        self.ended = False
        """An end_session has come."""
        self.failed = False
        """The last result was an error, which the exit code tells."""
        self.due: float | None = None
        """When to call `proceed`, on the monotonic clock; None while there is nothing to say."""
        self.faults = Faults()
        self._ledger = Ledger()
        self._id = str(uuid.uuid4())
        model, environment = resolve_model(options.model), Environment(variables)
        self._conversation = Conversation(model, environment, self._id, options.effort)
        self._max_turns = options.max_turns
        self._seen: dict[str, None] = {}
        self._queue: deque[Json] = deque()
        self._turn: Turn | None = None
        self._outputs: Iterator[Output] | None = None
        self._calls = 0

    def greet(self) -> bytes:
        return self._encode([{"type": "system", "subtype": "ui_invalidate", "event": "ui.render"}])

    def receive(self, line: bytes) -> bytes:
        """Take one line. Raises Malformed for what the CLI does not survive."""
        if not line.strip():
            return b""
        try:
            frame = json.loads(line)
        except ValueError:
            raise _unreadable(line, "SyntaxError") from None
        if frame is None:
            raise _unreadable(line, "TypeError")
        match frame:
            case {"type": "user"}:
                return self._take_user(frame)
            case {"type": "assistant", "message": {"role": "assistant", "content": _} as message}:
                self._conversation.push(message, _identity(frame))
            case {"type": "control_request", "request": dict(request)}:
                return (
                    self._encode(self._control(str(frame.get("request_id")), request))
                    + self._proceed_if_idle()
                )
            case {"type": "control_request"}:
                raise Malformed("Error: Missing request on control_request")
        return b""

    def proceed(self) -> bytes:
        """Say what there is to say now, about a pipe's worth at most."""
        said = bytearray()
        self.due = time.monotonic()
        while len(said) < _BATCH:
            if self._outputs is None:
                if not self._queue:
                    self.due = None
                    break
                self._outputs = self._run(self._queue.popleft())
            output = next(self._outputs, None)
            if output is None:
                self._outputs = self._turn = None
            elif isinstance(output, float):
                self.due += output
                break
            else:
                said += output if isinstance(output, bytes) else self._encode([output])
        return bytes(said)

    def interrupt(self) -> bytes:
        """What is said when the running turn, if there is one, is given up."""
        return self._encode(self._abort())

    def _take_user(self, frame: Json) -> bytes:
        message = frame.get("message")
        role = message.get("role", "undefined") if isinstance(message, dict) else "undefined"
        if role != "user":
            raise Malformed(f"Error: Expected message role 'user', got '{role}'")
        identity = _identity(frame)
        if identity in self._seen:
            return b""
        if identity is not None:
            self._seen[identity] = None
            if len(self._seen) > _REMEMBERED_UUIDS:
                del self._seen[next(iter(self._seen))]
        self._queue.append(frame)
        return self._encode(_lifecycle(identity, "queued")) + self._proceed_if_idle()

    def _proceed_if_idle(self) -> bytes:
        return self.proceed() if self._outputs is None else b""

    def _run(self, frame: Json) -> Iterator[Output]:
        identity = _identity(frame)
        self._conversation.prompt_fixed = True
        message = {"content": [], **frame["message"]}
        if asks := frame.get("shouldQuery") is not False:
            message["content"] = blocks_of(message["content"])
        self._conversation.push(message, identity, turn=True)
        if asks:
            fail_before_init(read_prompt([message]).wish)
        yield from _lifecycle(identity, "started")
        yield self._init(identity)
        turn = Turn(identity, self._conversation, self._next_tag, self.faults, self._ledger, self._max_turns)
        if not asks:
            yield turn.skip()
            yield from _lifecycle(identity, "completed")
            return
        self._turn = turn
        for output in turn.run():
            yield output
            if isinstance(output, dict) and output["type"] == "result":
                self.failed = output["is_error"]
                done = output["terminal_reason"] in ("completed", "max_turns")
                yield from _lifecycle(identity, "completed" if done else "cancelled")

    def _abort(self) -> Iterator[Json]:
        if (turn := self._turn) is not None:
            self._turn = self._outputs = self.due = None
            self.failed = True
            yield from turn.abort()
            yield from _lifecycle(turn.uuid, "cancelled")

    def _control(self, request_id: str, request: Json) -> Iterator[Json]:
        if self.faults.wrong_id:
            request_id = f"not-{request_id}"
        match request.get("subtype"):
            case "get_binary_version":
                yield _success(request_id, {"version": VERSION, "buildTime": "demo"})
            case "initialize":
                ignored = self._conversation.prompt_fixed
                if not ignored:
                    self._conversation.set_prompt(request.get("systemPrompt"))
                yield _success(request_id, self._abilities())
                if ignored:
                    yield {"type": "system", "subtype": "background_tasks_changed", "tasks": []}
            case "set_model" if _is_blank(request.get("model")):
                yield _error(request_id, f"{_NO_MODEL} Run /model to see available models.")
            case "set_model":
                yield from _replay(self._conversation.set_model(request.get("model")))
                yield _success(request_id, {"model": self._conversation.model})
            case "apply_flag_settings":
                yield from _replay(self._conversation.apply(request.get("settings")))
                yield _success(request_id)
            case "list_models":
                yield _success(request_id, {"models": list_models(self._conversation.model)})
            case "get_context_usage" if (detail := request.get("detail", "full")) in ("full", "summary"):
                summary = detail == "summary"
                yield _success(request_id, describe_context(self._conversation, summary=summary))
            case "get_context_usage":
                yield _error(request_id, "get_context_usage: detail must be 'summary' or 'full'")
            case "set_max_thinking_tokens":
                self._conversation.set_thinking(request.get("max_thinking_tokens"))
                yield _success(request_id)
            case "interrupt":
                yield _success(request_id, {"still_queued": []})
                yield from self._abort()
            case "rewind_conversation":
                yield from self._rewind(request_id, request)
            case "end_session":
                self.ended = True
                yield _success(request_id)
                yield from self._abort()
            case other:
                error = f"Unsupported control request subtype: {other or 'undefined'}"
                yield _error(request_id, error, error_code="unsupported_request")

    def _rewind(self, request_id: str, request: Json) -> Iterator[Json]:
        target, last_seen = request.get("target_message_uuid"), request.get("last_seen_user_message_uuid")
        if self._queue:
            reason: str | None = "commands_queued"
        elif self._turn is not None and not request.get("interrupt_if_running"):
            reason = "turn_running"
        else:
            yield from self._abort()
            refused = self.faults.no_rewind or target is None
            reason = "target_not_found" if refused else self._conversation.refuse_rewind(target, last_seen)
        if reason is None:
            yield _success(request_id, self._conversation.rewind(str(target)))
        else:
            about = {"error": reason.replace("_", " "), "reason": reason}
            nothing = {"prefillText": None, "precedingAssistantUuid": None}
            yield _success(request_id, {"rewound": False, **nothing, **about})

    def _next_tag(self) -> str:
        self._calls += 1
        return f"{self._id[:8]}{self._calls:06}"

    def _init(self, identity: str | None) -> Json:
        nothing: Json = {"tools": [], "mcp_servers": [], "slash_commands": [], "skills": []}
        about = {
            "cwd": str(Path.cwd()),
            "model": self._conversation.model,
            "permissionMode": "default",
            "apiKeySource": "none",
        }
        about |= {"claude_code_version": VERSION, "output_style": "default"}
        naming = {"user_message_uuids": [identity]} if identity else {}
        return {"type": "system", "subtype": "init", **about, **nothing, **naming}

    def _abilities(self) -> Json:
        nothing: Json = {"commands": [], "agents": [], "account": {"apiProvider": "demo"}}
        about = {
            "models": list_models(self._conversation.model),
            "output_style": "default",
            "pid": os.getpid(),
        }
        return {**nothing, **about, "claude_code_version": VERSION}

    def _encode(self, frames: Iterable[Json]) -> bytes:
        lines = bytearray()
        for frame in frames:
            if frame["type"] != "control_response":
                frame |= {"session_id": self._id, "uuid": str(uuid.uuid4())}
            lines += json.dumps(frame, separators=(",", ":")).encode() + b"\n"
        return bytes(lines)


def _identity(frame: Json) -> str | None:
    identity = frame.get("uuid")
    return identity if identity and isinstance(identity, str) else None


def _success(request_id: str, response: Json | None = None) -> Json:
    inner = {} if response is None else {"response": response}
    answer = {"subtype": "success", "request_id": request_id, **inner}
    return {"type": "control_response", "response": answer}


def _error(request_id: str, error: str, **more: str) -> Json:
    answer = {"subtype": "error", "request_id": request_id, "error": error, **more}
    return {"type": "control_response", "response": answer}


def _replay(note: str | None) -> Iterator[Json]:
    if note is not None:
        yield {"type": "user", "message": {"role": "user", "content": note}, "isReplay": True}


def _is_blank(model: object) -> bool:
    return isinstance(model, str) and model != "" and not model.strip()


def _lifecycle(identity: str | None, state: str) -> Iterator[Json]:
    if identity:
        yield {"type": "command_lifecycle", "command_uuid": identity, "state": state}


def _unreadable(line: bytes, why: str) -> Malformed:
    size = len(line.decode("utf-8", "replace"))
    return Malformed(f"Error parsing streaming input line (type=unknown, {size} chars): {why}")
