"""What a prompt asks for: finding the prompt of a request, and reading the directives in it.

The prompt is the text of the last user message that has any; `answer` lists the directives. What makes no sense is
as good as absent: nothing that a prompt says may break the stand-in, unless breaking it is what it asks for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Json = dict[str, Any]

_WITHOUT_WORDS = frozenset({"text", "tool_result", "thinking", "redacted_thinking"})


@dataclass(frozen=True)
class Prompt:
    """What a request says: its own words, what it asks for, and how many tool results have come since."""

    words: str
    wish: Json = field(default_factory=dict)
    results: int = 0


def read_prompt(messages: object) -> Prompt:
    """The prompt of `messages`; reminders of the CLI's own do not count.

    A last message of images or documents alone is a prompt, too: its words are `[image]`, `[document]`.
    """
    known = (
        [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
    )
    for at in reversed(range(len(known))):
        blocks = blocks_of(known[at].get("content"))
        texts = [block["text"] for block in blocks if isinstance(block.get("text"), str)]
        texts = [text for text in texts if not text.startswith("<system-reminder>")]
        if known[at].get("role") == "user" and texts:
            wish, results = read_directives(texts[-1]), sum(map(_has_result, known[at:]))
            return Prompt(_split(texts[-1])[0], wish, results)
        others = [f"[{block.get('type')}]" for block in blocks if block.get("type") not in _WITHOUT_WORDS]
        if at == len(known) - 1 and known[at].get("role") == "user" and others:
            return Prompt(" ".join(others))
    return Prompt("")


def read_directives(text: str) -> Json:
    """What a text asks for, by key."""
    found: Json = {}
    for part in ";".join(_split(text)[1]).split(";"):
        key, equals, value = part.strip().partition("=")
        if not key:
            continue
        try:
            found[key] = json.loads(value) if equals else True
        except ValueError:
            found[key] = value
    return found


def number(wish: Mapping[str, Any], key: str, usual: float, *, least: float, most: float) -> float:
    """The number that `key` asks for; the usual one when it asks for none, or for what makes no sense."""
    try:
        asked = float(wish[key])
    except (KeyError, TypeError, ValueError, OverflowError):
        return usual
    return asked if least <= asked <= most else usual


def seconds(wish: Mapping[str, Any], key: str) -> float:
    return number(wish, key, 0.0, least=0.0, most=86400.0)


def failing_status(wish: Mapping[str, Any]) -> int | None:
    """The HTTP status that is asked for, when it is one of failure."""
    return int(number(wish, "status", 0, least=400, most=599)) or None


def count_deltas(wish: Mapping[str, Any]) -> int:
    return int(number(wish, "deltas", 5, least=1, most=1_000_000))


def break_off_at(wish: Mapping[str, Any], keys: Iterable[str]) -> int | None:
    """After how many events one of `keys` asks that things go wrong; None when nothing does."""
    return int(number(wish, "at", 5, least=0, most=1_000_000)) if wish.keys() & set(keys) else None


def an_object(value: object) -> Json:
    """`value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def blocks_of(content: object) -> list[Json]:
    """A message's content as the list of its blocks."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _has_result(message: Mapping[str, Any]) -> bool:
    return any(block.get("type") == "tool_result" for block in blocks_of(message.get("content")))


def _split(text: str) -> tuple[str, Sequence[str]]:
    """A text's own words, and the insides of its `[[…]]`."""
    words, directives, at = [], [], 0
    # Not a regular expression: it would take for ever with a megabyte of spaces or of "[[".
    while (start := text.find("[[", at)) >= 0 and (end := text.find("]]", start)) >= 0:
        words.append(text[at:start].strip())
        directives.append(text[start + 2 : end])
        at = end + 2
    if not directives:
        return text, []
    words.append(text[at:].strip())
    return " ".join(filter(None, words)), directives
