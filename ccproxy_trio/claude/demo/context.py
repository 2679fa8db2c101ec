"""The answer to `get_context_usage`: how many tokens the conversation has, by what they are spent on.

In full it is what upstream counts; the summary, and a count that upstream refuses, is a guess of the CLI's own, in
the same fields and without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .count import count_tokens
from .directives import failing_status, read_prompt
from .models import context_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .conversation import Conversation
    from .directives import Json

_BUFFER = 33_000
_LARGE_WINDOW = 1_000_000
_NOTHING: Json = {"memoryFiles": [], "mcpTools": [], "mcpInstructions": [], "agents": []}


def describe_context(conversation: Conversation, *, summary: bool) -> Json:
    """All fields of the CLI's, of which `gridRows`, its drawing, is empty here."""
    messages, window = conversation.messages(), context_window(conversation.model)
    breakdown = _break_down(messages)
    guess = sum(count for count in breakdown.values() if isinstance(count, int))
    refused = failing_status(read_prompt(messages).wish) or not conversation.environment.reachable
    prompt = conversation.prompt or ""
    if summary:
        spent = {"system_prompt": len(prompt) // 4, "messages": guess}
    else:
        counted = count_tokens({"messages": messages or [{"role": "user", "content": "foo"}]})
        system = count_tokens({"messages": [{"role": "user", "content": prompt}]}) if prompt else 0
        spent = {"system_prompt": system, "messages": guess if refused else counted}
    total, large = sum(spent.values()), window == _LARGE_WINDOW
    breakdown["unattributedTokens"] = max(0, spent["messages"] - guess)
    used = [_category(name, tokens, "used") for name, tokens in spent.items() if tokens]
    buffer = [_category("autocompact_buffer", _BUFFER, "buffer")] if large else []
    free = _category("free_space", window - total - (_BUFFER if large else 0), "free")
    return {
        "categories": [*used, *buffer, free],
        "totalTokens": total,
        "maxTokens": window,
        "rawMaxTokens": window,
        "autocompactSource": "model-default" if large else "auto",
        "percentage": round(100 * total / window),
        "gridRows": [],
        "model": conversation.model,
        **_NOTHING,
        "autoCompactThreshold": window - _BUFFER,
        "isAutoCompactEnabled": True,
        "messageBreakdown": breakdown,
        "apiUsage": None,
    }


def _break_down(messages: Sequence[Json]) -> Json:
    said = dict.fromkeys(("user", "assistant"), 0)
    for message in messages:
        said[message["role"]] += count_tokens({"system": message["content"]}) - count_tokens({})
    names = ("toolCallTokens", "toolResultTokens", "attachmentTokens")
    spoken = {"assistantMessageTokens": said["assistant"], "userMessageTokens": said["user"]}
    rest: Json = {"redirectedContextTokens": 0, "unattributedTokens": 0}
    return {**dict.fromkeys(names, 0), **spoken, **rest, "toolCallsByType": [], "attachmentsByType": []}


def _category(name: str, tokens: int, kind: str) -> Json:
    said = name.replace("_", " ").capitalize()
    colors = {"messages": "purple_FOR_SUBAGENTS_ONLY", "autocompact_buffer": "inactive"}
    return {
        "id": name,
        "name": said,
        "tokens": tokens,
        "color": colors.get(name, "promptBorder"),
        "kind": kind,
    }
