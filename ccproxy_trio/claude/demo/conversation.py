"""What the CLI would send upstream: the conversation so far, the model, the system prompt and the parameters.

The first turn or the first `initialize`, whichever comes first, fixes the system prompt. A model that is set in the
middle of a conversation is noted in it, as the CLI does; what else changes on a live process is in `environment`, and
how messages go upstream in `history`.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .directives import an_object, blocks_of
from .history import lay_out, put_mark
from .models import own_parameters, resolve_model

if TYPE_CHECKING:
    from .directives import Json
    from .environment import Environment

VERSION = "2.1.330"
_OWN_BLOCKS = (
    f"x-anthropic-billing-header: cc_version={VERSION}.demo; cc_entrypoint=sdk-cli;",
    "You are a Claude agent, built on Anthropic's Claude Agent SDK.",
)
_COMMAND_CAVEAT = (
    "<local-command-caveat>The command below was run directly in Claude Code, not sent to you as a request, and its "
    "output goes straight to the user. It's recorded here as context for later messages.</local-command-caveat>"
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
    environment: Environment
    session_id: str = ""
    effort: str | None = None
    prompt_fixed: bool = False
    prompt: str | None = None
    _thinking: Json | None = None
    _entries: list[Entry] = field(default_factory=list)

    def push(self, message: Json, identity: str | None = None, *, turn: bool = False) -> None:
        self._entries.append(Entry(message, identity or str(uuid.uuid4()), turn))

    def set_prompt(self, prompt: Any) -> None:
        self.prompt_fixed = True
        self.prompt = "\n\n".join(map(str, prompt)) if isinstance(prompt, list) else prompt

    def set_model(self, name: Any) -> str | None:
        """Returns the note that the CLI leaves in a conversation that has begun."""
        resolved = resolve_model(name)
        return self._change_model(name, resolved if name in (None, resolved) else f"{name} ({resolved})")

    def apply(self, settings: Any) -> str | None:
        """Take flag settings; returns what `set_model` would."""
        known = an_object(settings)
        self.environment.update(known.get("env"))
        return self._change_model(known["model"], resolve_model(known["model"])) if "model" in known else None

    def set_thinking(self, budget: int | None) -> None:
        enabled = {"type": "enabled", "budget_tokens": 31999 if budget is None else budget}
        self._thinking = {"type": "disabled"} if budget == 0 else enabled

    def refuse_rewind(self, target: str | None, last_seen: str | None) -> str | None:
        """Why the conversation cannot be taken back to `target`, or None."""
        turns = {entry.uuid: entry for entry in self._entries if entry.turn}
        if target not in turns:
            return "target_not_found"
        last = next(reversed(turns))
        if last not in (target, last_seen):
            return "unseen_later_turn" if last_seen else "stale_target"
        content = blocks_of(turns[target].message["content"])
        splits = any(block.get("type") == "tool_result" for block in content)
        return "target_splits_tool_call" if splits else None

    def rewind(self, target: str) -> Json:
        """Drop the message `target` and all after it; returns what the CLI says about it."""
        at = next(index for index, entry in enumerate(self._entries) if entry.uuid == target)
        content = self._entries[at].message["content"]
        before = [entry.uuid for entry in self._entries[:at] if entry.message["role"] == "assistant"]
        del self._entries[at:]
        text = "\n".join(block["text"] for block in blocks_of(content) if isinstance(block.get("text"), str))
        about = {"targetMessageUuid": target, "prefillText": text}
        return {"rewound": True, **about, "precedingAssistantUuid": before[-1] if before else None}

    def messages(self) -> list[Json]:
        """The conversation as it goes upstream, without the CLI's own marks."""
        return lay_out((entry.message for entry in self._entries), self.model)

    def body(self) -> Json:
        """The request as it goes upstream."""
        prompt, mark = self.prompt, self.environment.mark
        if prompt is None:
            prompt = f"CWD: {Path.cwd()}\nDate: {time.strftime('%Y-%m-%d')}"
        billing, *texts = [*_OWN_BLOCKS, prompt] if prompt else _OWN_BLOCKS
        marked = {} if mark is None else {"cache_control": mark}
        who = {"device_id": "demo", "account_uuid": "", "session_id": self.session_id}
        body = {
            "model": self.model,
            "messages": put_mark(self.messages(), mark),
            "system": [
                {"type": "text", "text": billing},
                *({"type": "text", "text": text, **marked} for text in texts),
            ],
            "tools": [],
            "metadata": {"user_id": json.dumps(who, separators=(",", ":"))},
            **own_parameters(self.model, self.effort),
            **({} if self._thinking is None else {"thinking": self._thinking}),
            "stream": True,
        }
        return self.environment.extend(body)

    def _change_model(self, name: Any, described: str) -> str | None:
        if (resolved := resolve_model(name)) == self.model:
            return None
        self.model = resolved
        if not self._entries:
            return None
        note = f"<local-command-stdout>Set model to `{described}`</local-command-stdout>"
        command = ("<command-name>/model</command-name>", "<command-message>model</command-message>")
        arguments = f"<command-args>{name}</command-args>"
        for text in (_COMMAND_CAVEAT, "\n            ".join((*command, arguments)), note):
            self.push({"role": "user", "content": text})
        return note
