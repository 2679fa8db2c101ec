"""The stand-in against the real binary: one script of frames, and the same frames back, as far as we rely on them.

A difference here means that the CLI has changed, or that the stand-in tells something that is not so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ccproxy_trio.claude.demo import command
from tests.cli.child import (
    FLAGS,
    Child,
    Frame,
    assistant,
    control,
    extra_body,
    is_delta,
    is_response,
    is_result,
    new_uuid,
    open_child,
    rewind,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from tests.fake_api import FakeApi

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]

# Told by the CLI about itself; whether and when depends on its mood.
_IGNORED = {"ui_invalidate", "thinking_tokens", "informational"}
_RESULT = ("subtype", "is_error", "result", "stop_reason", "terminal_reason", "api_error_status", "num_turns")
_FAILURE = ("error", "api_error_status", "api_error_type", "is_api_error_message", "aborted")
_RESPONSE = ("rewound", "reason", "targetMessageUuid", "prefillText", "version", "still_queued")


@dataclass
class Story:
    """What one of the two said, step by step, with the names of its own replaced by common ones."""

    child: Child
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

    async def dump(self, step: str) -> str:
        """A turn that says which request went upstream; only what we decide about is kept of it."""
        identity = self.name(step)
        result = next(filter(is_result, await self.child.turn("[[dump]]", identity)))
        body = json.loads(result["result"])
        kept = {key: body.get(key) for key in ("model", "messages", "max_tokens", "temperature", "thinking")}
        self.bodies[step] = {**kept, "system": [block["text"] for block in body["system"]][1:]}
        return identity

    def _tell(self, frame: Frame) -> Any:
        named = self.uuids.get(frame.get("user_message_uuid") or frame.get("command_uuid") or "")
        match frame:
            case {"type": "stream_event", "event": event}:
                kept = {key: event.get(key) for key in ("type", "index", "content_block", "delta")}
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
    return [{key: value for key, value in block.items() if key != "id"} for block in blocks]


def _is_chance(told: Sequence[Any], index: int) -> bool:
    """Whether this is a delta in the middle of a turn that was interrupted: how many there are is chance."""
    interrupted = any(said[0] == "result" and said[1]["subtype"] == "error_during_execution" for said in told)
    return interrupted and told[index][0] == "event" and told[index][1]["type"] == "content_block_delta"


async def tell_the_setup(story: Story) -> None:
    await story.ask("version", control("get_binary_version"))
    await story.ask("initialize", control("initialize", systemPrompt=["Be brief.", "Be kind."]))
    await story.ask("unknown request", control("no_such_request"))
    fresh = await story.dump("fresh")
    await story.ask("empty", rewind(fresh))
    await story.ask("second initialize", control("initialize", systemPrompt=["Ignored."]))
    story.add("after it", [await story.child.frame()])
    await story.ask("no model", control("set_model", model=" "))
    await story.ask("model", control("set_model", model="claude-opus-4-5"))
    await story.ask(
        "extra body", extra_body('{"max_tokens": 77, "temperature": 0.5, "thinking": {"type": "disabled"}}')
    )
    changed = await story.dump("changed")
    await story.ask("empty again", rewind(changed))
    await story.ask("no extra body", extra_body(""))
    await story.ask("model again", control("set_model", model="claude-sonnet-4-5"))
    await story.dump("as before")
    await story.ask("a model in mid-conversation", control("set_model", model="claude-opus-4-5"))


async def tell_the_turns(story: Story) -> None:
    await story.ask("initialize", control("initialize", systemPrompt=[]))
    first = await story.turn("plain", "hello there")
    await story.ask("rewind", rewind(first))
    first = await story.turn("history", "one", shouldQuery=False)
    await story.turn("more history", [{"type": "text", "text": "two"}], shouldQuery=False)
    await story.child.send(assistant("three"))
    last = await story.dump("with history")
    await story.ask("wrong target", rewind(new_uuid(), last))
    await story.ask("wrong last", rewind(first, first))
    await story.ask("right", rewind(first, last))
    await story.ask("twice", rewind(first, last))
    await story.dump("after the rewind")
    await story.turn("thinking", "hm [[thinking=let me see; deltas=3]]")
    await story.turn("stop sequence", "stop [[stop=stop_sequence]]")
    await story.turn("max_tokens", "on and on [[stop=max_tokens]]")
    await story.turn("refusal", "no [[stop=refusal]]")
    await story.turn("tool", "use it [[tool=nothing]]")


async def tell_the_failures(story: Story) -> None:
    for status in (413, 400, 401, 403, 404, 429, 500, 529):
        await story.turn(f"status {status}", f"fail [[status={status}; message=no luck]]")
    for at in (0, 1, 3, 5):
        await story.turn(f"error at {at}", f"fail [[error=overloaded_error; at={at}]]")
    identity = await story.turn("error after a block", "fail [[error=overloaded_error; at=9]]")
    await story.ask("rewind", rewind(identity))
    await story.child.stdin.aclose()
    story.steps["exit code"] = [await story.child.exit_code()]


async def tell_the_interruptions(story: Story) -> None:
    slow = "slowly [[deltas=20; gap=0.1]]"
    identity = story.name("rewound")
    await story.child.send(user(slow, identity))
    before = await story.child.until(is_delta)
    await story.child.send(rewind(identity, interrupt=False))
    story.add("refused", (await story.child.until(is_response))[-1:])
    await story.child.send(rewind(identity))
    story.add("rewound", before + await story.child.until(is_response))
    identity = story.name("interrupted")
    await story.child.send(user(slow, identity))
    before = await story.child.until(is_delta)
    await story.child.send(control("interrupt"))
    told = before + await story.child.until(is_result)
    story.add("interrupted", [*told, await story.child.frame()])
    await story.ask("rewound later", rewind(identity))
    identity = story.name("unheard")
    await story.child.send(user("wait [[delay=5]]", identity))
    before = await story.child.until(lambda frame: frame.get("subtype") == "status")
    await story.child.send(rewind(identity))
    story.add("unheard", before + await story.child.until(is_response))
    await story.turn("well again", "hello")
    await story.ask("end", control("end_session"))
    story.steps["exit code"] = [await story.child.exit_code()]


@pytest.mark.parametrize("tell", [tell_the_setup, tell_the_turns, tell_the_failures, tell_the_interruptions])
async def test_the_stand_in_speaks_like_the_binary(
    tell: Callable[[Story], Awaitable[None]],
    claude_binary: Path,
    fake_api: FakeApi,
    cli_environment: Mapping[str, str],
    tmp_path: Path,
) -> None:
    stories = []
    for head in ((str(claude_binary),), command()):
        async with open_child([*head, *FLAGS], cli_environment, tmp_path) as child:
            stories.append(Story(child))
            await tell(stories[-1])
    real, demo = stories
    assert list(demo.steps) == list(real.steps)
    for step in real.steps:
        assert demo.steps[step] == real.steps[step], step
    assert demo.bodies == real.bodies
    assert all(request.path.startswith("/v1/messages") for request in fake_api.requests)


@pytest.mark.parametrize(
    "line",
    [
        b"{nope\n",
        b"null\n",
        b'{"type":"user"}\n',
        b'{"type":"user","message":{"role":"assistant","content":"x"}}\n',
        b'{"type":"control_request","request_id":"x"}\n',
    ],
)
async def test_both_die_of_the_same_lines(
    line: bytes, claude_binary: Path, cli_environment: Mapping[str, str], tmp_path: Path
) -> None:
    last_words = []
    for head in ((str(claude_binary),), command()):
        async with open_child([*head, *FLAGS], cli_environment, tmp_path) as child:
            # Not fatal, and not answered.
            await child.send(
                b"\n", b"[1]\n", b'"text"\n', b"42\n", b'{"type":"banana"}\n', control("get_binary_version")
            )
            await child.until(is_response)
            await child.send(line)
            assert await child.exit_code() == 1
            last_words.append(bytes(child.stderr))
    assert last_words[0] == last_words[1]
