"""One conversation with the CLI's protocol: lines in, bytes out. No I/O, no clock of its own but `due`.

The rules, as measured on version 2.1.330:

* a user frame waits for its turn; an assistant frame goes into the history at once;
* the first turn or the first `initialize`, whichever comes first, fixes the system prompt;
* a rewind with `interrupt_if_running` first ends the running turn, then looks for its target;
* a user uuid that was seen before is dropped without a word, even after its rewind;
* the extra body stays until it is replaced as a whole.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .turn import Faults, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .answer import Json
    from .turn import Output

VERSION = "2.1.330"
_ALIASES = {"opus": "claude-opus-5-5", "sonnet": "claude-sonnet-5-5", "haiku": "claude-haiku-5-5"}
_OWN_BLOCKS = (
    f"x-anthropic-billing-header: cc_version={VERSION}.demo; cc_entrypoint=sdk-cli;",
    "You are a Claude agent, built on Anthropic's Claude Agent SDK.",
)
_BATCH = 65536
_REMEMBERED_UUIDS = 10_000
_REFUSALS = {
    "target_not_found": "target not found",
    "stale_target": "stale target",
    "unseen_later_turn": "unseen later turn",
    "turn_running": "turn running",
    "commands_queued": "commands queued",
}


class Malformed(Exception):
    """A line that ends the process; its text is what the CLI says on stderr."""


class Session:
    """Feed it with `receive`, and call `proceed` when `due` has come; send what both return, in that order."""

    def __init__(self, model: str | None) -> None:
        self.ended = False
        """An end_session has come."""
        self.failed = False
        """The last result was an error, which the exit code tells."""
        self.due: float | None = None
        """When to call `proceed`, on the monotonic clock; None while there is nothing to say."""
        self.faults = Faults()
        self._id = str(uuid.uuid4())
        self._model = resolve_model(model)
        self._prompt: str | None = None
        self._prompt_fixed = False
        self._extra: Json = {}
        self._thinking: Json = {"type": "enabled", "budget_tokens": 31999}
        self._history: list[Json] = []
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
            case {"type": "assistant", "message": {"content": _} as message}:
                self._history.append({"message": message, "uuid": frame.get("uuid") or str(uuid.uuid4())})
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
        identity = frame.get("uuid")
        if identity in self._seen:
            return b""
        if identity:
            self._seen[identity] = None
            if len(self._seen) > _REMEMBERED_UUIDS:
                del self._seen[next(iter(self._seen))]
        self._queue.append(frame)
        return self._encode(_lifecycle(identity, "queued")) + self._proceed_if_idle()

    def _proceed_if_idle(self) -> bytes:
        return self.proceed() if self._outputs is None else b""

    def _run(self, frame: Json) -> Iterator[Output]:
        identity = frame.get("uuid")
        self._prompt_fixed = True
        self._history.append(
            {"message": frame["message"], "uuid": identity or str(uuid.uuid4()), "user": True}
        )
        yield from _lifecycle(identity, "started")
        yield self._init(identity)
        turn = Turn(identity, self._history, self._body, self._next_tag, self.faults)
        if frame.get("shouldQuery") is False:
            yield turn.skip()
            yield from _lifecycle(identity, "completed")
            return
        self._turn = turn
        for output in turn.run():
            yield output
            if isinstance(output, dict) and output["type"] == "result":
                self.failed = output["is_error"]
                yield from _lifecycle(identity, "cancelled" if self.failed else "completed")

    def _abort(self) -> Iterator[Json]:
        turn, self._turn, self._outputs, self.due = self._turn, None, None, None
        if turn is not None:
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
                ignored = self._prompt_fixed
                if not ignored:
                    self._prompt, self._prompt_fixed = _joined(request.get("systemPrompt")), True
                yield _success(request_id, _abilities())
                if ignored:
                    yield {"type": "system", "subtype": "background_tasks_changed", "tasks": []}
            case "set_model":
                self._model = resolve_model(request.get("model"))
                yield _success(request_id, {"model": self._model})
            case "apply_flag_settings":
                self._apply(request.get("settings"))
                yield _success(request_id)
            case "set_max_thinking_tokens":
                budget = request.get("max_thinking_tokens")
                enabled = {"type": "enabled", "budget_tokens": 31999 if budget is None else budget}
                self._thinking = {"type": "disabled"} if budget == 0 else enabled
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
                about = {"request_id": request_id, "error": error, "error_code": "unsupported_request"}
                yield {"type": "control_response", "response": {"subtype": "error", **about}}

    def _rewind(self, request_id: str, request: Json) -> Iterator[Json]:
        reason = None
        if self._queue:
            reason = "commands_queued"
        elif self._turn is not None and not request.get("interrupt_if_running"):
            reason = "turn_running"
        else:
            yield from self._abort()
            reason = self._refuse(
                request.get("target_message_uuid"), request.get("last_seen_user_message_uuid")
            )
        if reason is not None:
            refusal = {"rewound": False, "prefillText": None, "precedingAssistantUuid": None}
            yield _success(request_id, {**refusal, "error": _REFUSALS[reason], "reason": reason})
            return
        target = request["target_message_uuid"]
        at = next(index for index, entry in enumerate(self._history) if entry["uuid"] == target)
        text = _text_of(self._history[at]["message"]["content"])
        before = [entry["uuid"] for entry in self._history[:at] if entry["message"]["role"] == "assistant"]
        del self._history[at:]
        rewound = {"rewound": True, "targetMessageUuid": target, "prefillText": text}
        yield _success(request_id, {**rewound, "precedingAssistantUuid": before[-1] if before else None})

    def _refuse(self, target: str | None, last_seen: str | None) -> str | None:
        users = [entry["uuid"] for entry in self._history if entry.get("user")]
        if target not in users or self.faults.no_rewind:
            return "target_not_found"
        if target == users[-1] or last_seen == users[-1]:
            return None
        return "unseen_later_turn" if last_seen else "stale_target"

    def _apply(self, settings: Any) -> None:
        match settings:
            case {"env": {"CLAUDE_CODE_EXTRA_BODY": text}}:
                try:
                    extra = json.loads(text or "{}")
                except (TypeError, ValueError):
                    extra = {}
                self._extra = extra if isinstance(extra, dict) else {}
                self._extra.pop("stream", None)

    def _body(self) -> Json:
        """The request that the CLI would send upstream."""
        prompt = self._prompt
        if prompt is None:
            prompt = f"CWD: {Path.cwd()}\nDate: {time.strftime('%Y-%m-%d')}"
        texts = [*_OWN_BLOCKS, prompt] if prompt else _OWN_BLOCKS
        body = {
            "model": self._model,
            "messages": _merge(entry["message"] for entry in self._history),
            "system": [{"type": "text", "text": text} for text in texts],
            "tools": [],
            "metadata": {"user_id": json.dumps({"session_id": self._id})},
            "max_tokens": 32000,
            "thinking": self._thinking,
            "stream": True,
        }
        return {**body, **self._extra}

    def _next_tag(self) -> str:
        self._calls += 1
        return f"{self._id[:8]}{self._calls:06}"

    def _init(self, identity: str | None) -> Json:
        nothing: Json = {"tools": [], "mcp_servers": [], "slash_commands": [], "skills": []}
        about = {
            "cwd": str(Path.cwd()),
            "model": self._model,
            "permissionMode": "default",
            "apiKeySource": "none",
        }
        about |= {"claude_code_version": VERSION, "output_style": "default"}
        naming = {"user_message_uuids": [identity]} if identity else {}
        return {"type": "system", "subtype": "init", **about, **nothing, **naming}

    def _encode(self, frames: Iterable[Json]) -> bytes:
        lines = bytearray()
        for frame in frames:
            if frame["type"] != "control_response":
                frame |= {"session_id": self._id, "uuid": str(uuid.uuid4())}
            lines += json.dumps(frame, separators=(",", ":")).encode() + b"\n"
        return bytes(lines)


def resolve_model(name: Any) -> str:
    """The model that a name stands for: an alias, with or without [1m], or itself."""
    if not isinstance(name, str) or name == "default":
        return _ALIASES["opus"]
    return _ALIASES.get(name.removesuffix("[1m]"), name)


def _success(request_id: str, response: Json | None = None) -> Json:
    inner = {} if response is None else {"response": response}
    answer = {"subtype": "success", "request_id": request_id, **inner}
    return {"type": "control_response", "response": answer}


def _lifecycle(identity: str | None, state: str) -> Iterator[Json]:
    if identity:
        yield {"type": "command_lifecycle", "command_uuid": identity, "state": state}


def _abilities() -> Json:
    nothing: Json = {"commands": [], "agents": [], "models": [], "account": {"apiProvider": "demo"}}
    return {**nothing, "output_style": "default", "pid": os.getpid(), "claude_code_version": VERSION}


def _joined(prompt: Any) -> str | None:
    return "\n\n".join(map(str, prompt)) if isinstance(prompt, list) else prompt


def _unreadable(line: bytes, why: str) -> Malformed:
    size = len(line.decode("utf-8", "replace"))
    return Malformed(f"Error parsing streaming input line (type=unknown, {size} chars): {why}")


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content)


def _blocks_of(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else [*content]


def _merge(messages: Iterable[Json]) -> list[Json]:
    """The messages as they go upstream: user messages in a row become one, and the last one is cached."""
    merged: list[Json] = []
    for message in messages:
        role, content = message["role"], message["content"]
        if merged and role == "user" == merged[-1]["role"]:
            before = _blocks_of(merged[-1]["content"])
            if before and before[-1].get("type") == "text":
                before[-1] = {**before[-1], "text": before[-1]["text"] + "\n"}
            content = before + _blocks_of(content)
            merged.pop()
        merged.append({"role": role, "content": content if role == "user" else _blocks_of(content)})
    if merged and (blocks := _blocks_of(merged[-1]["content"])):
        blocks[-1] = {**blocks[-1], "cache_control": {"type": "ephemeral"}}
        merged[-1] = {**merged[-1], "content": blocks}
    return merged
