"""What a CLI said, told in a way that can be compared: its own names replaced, what is chance left out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.cli.child import Child, Frame, is_response, is_result, new_uuid, user

if TYPE_CHECKING:
    from collections.abc import Sequence

# Told by the CLI about itself; whether and when depends on its mood.
_IGNORED = {"ui_invalidate", "thinking_tokens", "informational"}
_RESULT = ("subtype", "is_error", "result", "stop_reason", "terminal_reason", "api_error_status", "num_turns")
_FAILURE = ("error", "api_error_status", "api_error_type", "is_api_error_message", "aborted")
_RESPONSE = ("rewound", "reason", "targetMessageUuid", "prefillText", "version", "still_queued")


@dataclass
class Story:
    """What one of the two said, step by step, with the names of its own replaced by common ones."""

    child: Child
    url: str
    """Where its API is."""
    steps: dict[str, list[Any]] = field(default_factory=dict)
    bodies: dict[str, Frame] = field(default_factory=dict)
    uuids: dict[str, str] = field(default_factory=dict)

    def name(self, name: str) -> str:
        """A fresh uuid that is told as `name`."""
        identity = new_uuid()
        self.uuids[identity] = name
        return identity

    def add(self, step: str, frames: Sequence[Frame]) -> None:
        told = [self._tell(frame) for frame in frames if frame.get("subtype") not in _IGNORED]
        self.steps[step] = [kept for index, kept in enumerate(told) if not _is_chance(told, index)]

    async def turn(self, step: str, content: Any, **fields: Any) -> str:
        identity = self.name(step)
        self.add(step, await self.child.turn(content, identity, **fields))
        return identity

    async def ask(self, step: str, *frames: Frame) -> None:
        await self.child.send(*frames)
        self.add(step, await self.child.until(is_response))

    async def answer(self, step: str, frame: Frame) -> Frame:
        """What a control request brings, which is left to the caller to compare."""
        answer: Frame = (await self.child.ask(frame))["response"]
        self.steps[step] = [sorted(answer)]
        return answer

    async def dump(self, step: str, *first: Frame, content: Sequence[Frame] = ()) -> str:
        """A turn that says which request went upstream; what it was asked with goes before the question."""
        identity = self.name(step)
        await self.child.send(*first, user([*content, {"type": "text", "text": "[[dump]]"}], identity))
        result = next(filter(is_result, await self.child.until(is_result)))
        await self.child.until(lambda frame: frame["type"] == "command_lifecycle")
        body = json.loads(result["result"])
        body["system"][0] = "the CLI's own"
        if "session_id" in body["metadata"].get("user_id", ""):
            body["metadata"] = "the CLI's own"
        self.bodies[step] = body
        return identity

    def _tell(self, frame: Frame) -> Any:
        named = self.uuids.get(frame.get("user_message_uuid") or frame.get("command_uuid") or "")
        match frame:
            case {"type": "stream_event", "event": event}:
                kept = {key: event.get(key) for key in ("type", "index", "content_block", "delta", "usage")}
                if event["type"] == "message_start":
                    kept["usage"] = event["message"]["usage"]
                elif (event.get("delta") or {}).get("stop_reason") is None:
                    kept["usage"] = None  # what is counted of a broken stream is the CLI's own guess
                kept["content_block"] = _anonymous([kept["content_block"] or {}])
                delta = {key: value for key, value in (kept["delta"] or {}).items() if value is not None}
                abandoned, message_id = "abandoned_blocks" in frame, "api_message_id" in frame
                return "event", {**kept, "delta": delta}, abandoned, message_id, named
            case {"type": "result"}:
                usage = [frame["usage"][key] for key in ("input_tokens", "output_tokens")]
                about = {key: frame.get(key, "absent") for key in _RESULT}
                if frame["is_error"] and frame.get("result"):
                    about["result"] = frame["result"][:24]
                return "result", about, usage, named
            case {"type": "assistant", "message": message}:
                synthetic = message["model"] == "<synthetic>"
                content = None if synthetic or "aborted" in frame else _anonymous(message["content"])
                about = {key: frame.get(key, "absent") for key in _FAILURE}
                return "assistant", message["model"], content, about, "request_id" in frame, named
            case {"type": "control_response", "response": response}:
                inner = response.get("response", {})
                about = {key: self._common(inner[key]) for key in _RESPONSE if key in inner}
                return "response", response["subtype"], response["request_id"], response.get("error"), about
            case {"type": "user", "message": {"content": content}}:
                said = content if isinstance(content, str) else [block["type"] for block in content]
                return "user", said, frame.get("isSynthetic"), frame.get("isReplay")
            case {"type": "system", "subtype": "init"}:
                naming = [self.uuids.get(name) for name in frame["user_message_uuids"]]
                return "init", frame["model"], frame["claude_code_version"], frame["tools"], naming
            case {"type": "system", "subtype": subtype}:
                return "system", subtype, frame.get("status")
            case {"type": "command_lifecycle", "state": state}:
                return "lifecycle", state, named
        return frame["type"]

    def _common(self, value: Any) -> Any:
        return self.uuids.get(value, value) if isinstance(value, str) else value


def _anonymous(blocks: Sequence[Frame]) -> list[Frame]:
    named = {"id", "tool_use_id"}
    return [{key: value for key, value in block.items() if key not in named} for block in blocks]


def _is_chance(told: Sequence[Any], index: int) -> bool:
    """Whether this is a delta in the middle of a turn that was interrupted: how many there are is chance."""
    interrupted = any(
        said[0] == "result" and said[1]["terminal_reason"] == "aborted_streaming" for said in told
    )
    return interrupted and told[index][0] == "event" and told[index][1]["type"] == "content_block_delta"
