"""What the CLI would send upstream: the conversation so far, the model, the system prompt and the parameters.

The first turn or the first `initialize`, whichever comes first, fixes the system prompt. The extra body stays until
it is replaced as a whole. A model that is set in the middle of a conversation is noted in it, as the CLI does.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .answer import Json

VERSION = "2.1.330"
_ALIASES = {"opus": "claude-opus-5-5", "sonnet": "claude-sonnet-5-5", "haiku": "claude-haiku-5-5"}
_OWN_BLOCKS = (
    f"x-anthropic-billing-header: cc_version={VERSION}.demo; cc_entrypoint=sdk-cli;",
    "You are a Claude agent, built on Anthropic's Claude Agent SDK.",
)
_COMMAND_CAVEAT = (
    "<local-command-caveat>The command below was run directly in Claude Code, not sent to you as a request."
    "</local-command-caveat>"
)


@dataclass(frozen=True)
class Entry:
    """One message. `turn` says that a user frame brought it, so that a rewind can aim at it."""

    message: Json
    uuid: str
    turn: bool


@dataclass
class Conversation:
    """What the next request upstream is made of."""

    model: str
    prompt_fixed: bool = False
    _prompt: str | None = None
    _extra: Json = field(default_factory=dict)
    _thinking: Json = field(default_factory=lambda: {"type": "enabled", "budget_tokens": 31999})
    _entries: list[Entry] = field(default_factory=list)

    def push(self, message: Json, identity: str | None = None, *, turn: bool = False) -> None:
        self._entries.append(Entry(message, identity or str(uuid.uuid4()), turn))

    def set_prompt(self, prompt: Any) -> None:
        self.prompt_fixed = True
        self._prompt = "\n\n".join(map(str, prompt)) if isinstance(prompt, list) else prompt

    def set_model(self, name: Any) -> str | None:
        """Returns the note that the CLI leaves in a conversation that has begun."""
        self.model = resolve_model(name)
        if not self._entries:
            return None
        note = f"<local-command-stdout>Set model to `{self.model}`</local-command-stdout>"
        command = f"<command-name>/model</command-name>\n<command-args>{name}</command-args>"
        for text in (_COMMAND_CAVEAT, command, note):
            self.push({"role": "user", "content": text})
        return note

    def set_thinking(self, budget: int | None) -> None:
        enabled = {"type": "enabled", "budget_tokens": 31999 if budget is None else budget}
        self._thinking = {"type": "disabled"} if budget == 0 else enabled

    def apply(self, settings: Any) -> None:
        """Take flag settings; a body that cannot be read counts as none."""
        match settings:
            case {"env": {"CLAUDE_CODE_EXTRA_BODY": text}}:
                try:
                    extra = json.loads(text or "{}")
                except (TypeError, ValueError):
                    extra = {}
                self._extra = extra if isinstance(extra, dict) else {}
                self._extra.pop("stream", None)

    def refuse_rewind(self, target: str | None, last_seen: str | None) -> str | None:
        """Why the conversation cannot be taken back to `target`, or None."""
        turns = [entry.uuid for entry in self._entries if entry.turn]
        if target not in turns:
            return "target_not_found"
        if target == turns[-1] or last_seen == turns[-1]:
            return None
        return "unseen_later_turn" if last_seen else "stale_target"

    def rewind(self, target: str) -> Json:
        """Drop the message `target` and all after it; returns what the CLI says about it."""
        at = next(index for index, entry in enumerate(self._entries) if entry.uuid == target)
        content = self._entries[at].message["content"]
        before = [entry.uuid for entry in self._entries[:at] if entry.message["role"] == "assistant"]
        del self._entries[at:]
        text = "".join(block.get("text", "") for block in _blocks_of(content))
        about = {"targetMessageUuid": target, "prefillText": text}
        return {"rewound": True, **about, "precedingAssistantUuid": before[-1] if before else None}

    def body(self) -> Json:
        """The request as it goes upstream."""
        prompt = self._prompt
        if prompt is None:
            prompt = f"CWD: {Path.cwd()}\nDate: {time.strftime('%Y-%m-%d')}"
        texts = [*_OWN_BLOCKS, prompt] if prompt else _OWN_BLOCKS
        body = {
            "model": self.model,
            "messages": _merge(entry.message for entry in self._entries),
            "system": [{"type": "text", "text": text} for text in texts],
            "tools": [],
            "max_tokens": 32000,
            "thinking": self._thinking,
            "stream": True,
        }
        return {**body, **self._extra}


def resolve_model(name: Any) -> str:
    """The model that a name stands for: an alias, with or without [1m], or itself."""
    if not isinstance(name, str) or name == "default":
        return _ALIASES["opus"]
    return _ALIASES.get(name.removesuffix("[1m]"), name)


def _blocks_of(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _merge(messages: Iterable[Json]) -> list[Json]:
    """The messages as they go upstream: user messages in a row become one, and the last one is cached."""
    merged: list[Json] = []
    for message in messages:
        role, content = message["role"], message["content"]
        if merged and role == "user" == merged[-1]["role"]:
            before = _blocks_of(merged[-1]["content"])
            if before and before[-1].get("type") == "text":
                before[-1] = {**before[-1], "text": f"{before[-1].get('text', '')}\n"}
            content = before + _blocks_of(content)
            merged.pop()
        as_it_is = role == "user" and isinstance(content, str)
        merged.append({"role": role, "content": content if as_it_is else _blocks_of(content)})
    if merged and (blocks := _blocks_of(merged[-1]["content"])):
        blocks[-1] = {**blocks[-1], "cache_control": {"type": "ephemeral"}}
        merged[-1] = {**merged[-1], "content": blocks}
    return merged
