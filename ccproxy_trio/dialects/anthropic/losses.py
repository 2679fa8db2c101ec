"""What the CLI would drop, move or rewrite without a word: refused, because nothing is lost in silence.

Each was seen to go missing, or to arrive changed, in what the CLI (2.1.330) sends upstream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import within
from ccproxy_trio.dialects.failures import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ccproxy_trio.dialects.anthropic.blocks import ContentBlock

SYSTEM_MARK = "__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__"
SYSTEM_BEGINNING = "x-anthropic-billing-header:"
EMPTY_ANSWERS = frozenset({"(no content)", "[Empty text removed]"})
BYTE_ORDER_MARK = "\ufeff"
"""White space to the CLI, though not to Python."""

MOST_MEDIA = 100
_LARGEST_INTEGER = 2**53
_THINKING = ("thinking", "redacted_thinking")


def refuse_reserved_system(texts: Sequence[str]) -> None:
    """Raise InvalidRequest for a system prompt that would not reach the model as such."""
    if texts and texts[0].startswith(SYSTEM_BEGINNING):
        raise InvalidRequest(
            "system", f"this server cannot carry a prompt that begins with {SYSTEM_BEGINNING!r}"
        )
    if list(texts) == [SYSTEM_MARK]:
        raise InvalidRequest("system", f"this server cannot carry the prompt {SYSTEM_MARK!r}")


def refuse_lost_answer(blocks: Sequence[ContentBlock], path: str) -> None:
    """Raise InvalidRequest for a message of the assistant's that would not stay as it is in the history."""
    kinds = [block["type"] for block in blocks]
    texts = [_stripped(block["text"]) if block["type"] == "text" else None for block in blocks]
    if EMPTY_ANSWERS.issuperset(texts):
        raise InvalidRequest(
            path, f"this server cannot carry an assistant message of nothing but {texts[0]!r}"
        )
    if set(kinds).issubset(_THINKING):
        raise InvalidRequest(
            path,
            "this server cannot carry an assistant message of nothing but thinking: the CLI leaves it out",
        )
    if "tool_use" in kinds and "text" in kinds[kinds.index("tool_use") :]:
        raise InvalidRequest(
            path, "this server cannot carry text after a `tool_use` block: the CLI moves it before the block"
        )
    done = {block.get("tool_use_id") for block in blocks}
    for block in blocks:
        if block["type"] == "server_tool_use" and block["id"] not in done:
            raise InvalidRequest(
                path,
                "this server cannot carry a `server_tool_use` block without its result: the CLI leaves it out",
            )


def refuse_too_many_media(messages: Iterable[Sequence[ContentBlock]]) -> None:
    """Raise InvalidRequest when the oldest images and documents of the conversation would be left out."""
    media = sum(_count_media(block) for blocks in messages for block in blocks)
    if media > MOST_MEDIA:
        raise InvalidRequest(
            "messages",
            f"this server carries at most {MOST_MEDIA} images and documents in a request, not {media}: "
            "of more than that the CLI leaves out the oldest",
        )


def refuse_inexact(value: Any) -> None:
    """Raise InvalidRequest for an integer that the CLI, to which every number is a double, would round."""
    places: list[tuple[Any, str]] = [(value, "")]
    while places:
        held, path = places.pop()
        if isinstance(held, dict):
            places.extend((each, within(path, key)) for key, each in held.items())
        elif isinstance(held, list):
            places.extend((each, within(path, str(index))) for index, each in enumerate(held))
        elif isinstance(held, int) and abs(held) > _LARGEST_INTEGER and int(float(held)) != held:
            raise InvalidRequest(
                path, "this server cannot carry integers beyond 2**53 exactly; send it as a string"
            )


def _count_media(block: ContentBlock) -> int:
    inner = block.get("content")
    nested = sum(_count_media(each) for each in inner) if isinstance(inner, list) else 0
    return nested + (block.get("type") in ("image", "document"))


def _stripped(text: str) -> str:
    return text.replace(BYTE_ORDER_MARK, " ").strip()
