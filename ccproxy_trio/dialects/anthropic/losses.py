"""What the CLI would drop, move or rewrite without a word: refused, because nothing is lost in silence.

Each was seen to go missing, or to arrive changed, in what the CLI (2.1.330) sends upstream.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from ccproxy_trio.dialects.anthropic.values import within
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ccproxy_trio.dialects.anthropic.blocks import ContentBlock

SYSTEM_MARK = "__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__"
SYSTEM_BEGINNING = "x-anthropic-billing-header:"
EMPTY_ANSWERS = frozenset({"(no content)", "[Empty text removed]"})
BYTE_ORDER_MARK = "\ufeff"
"""White space to the CLI, though not to Python."""

MOST_MEDIA = 100
DEEPEST = 240
"""Levels of a request; what is put around it, by a frame or by a translation, has room above them."""
_NESTING_WRITTEN = 254  # levels that orjson writes; it reads 1024
_INEXACT = 16  # digits, as 2**53 has
_LONG = 20  # digits
_AS_NOUGHTS = bytes.maketrans(b"123456789", b"000000000")
_THINKING = ("thinking", "redacted_thinking")
_MEDIA = ("image", "document")


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
    unseen = [block for block in blocks if block["type"] not in _THINKING]
    if not unseen:
        raise InvalidRequest(
            path,
            "this server cannot carry an assistant message of nothing but thinking: the CLI leaves it out",
        )
    if all(block["type"] == "text" and _stripped(block["text"]) in EMPTY_ANSWERS for block in unseen):
        words = _stripped(unseen[0]["text"])
        raise InvalidRequest(path, f"this server cannot carry an assistant message of nothing but {words!r}")
    if "tool_use" in kinds:
        behind = set(kinds[kinds.index("tool_use") :]) - {"tool_use"}
        if behind:
            raise InvalidRequest(
                path,
                f"this server cannot carry a `{min(behind)}` block after a `tool_use` block: "
                "the CLI moves it before that",
            )
    answered = {block["tool_use_id"] for block in blocks if block["type"].endswith("_tool_result")}
    for block in blocks:
        if block["type"] == "server_tool_use" and block["id"] not in answered:
            raise InvalidRequest(
                path,
                "this server cannot carry a `server_tool_use` block without its result: the CLI leaves it out",
            )


def find_lost_citations(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The paths of citations in an assistant's words that the CLI leaves out of the history.

    It knows those of the web search alone. Without the others the words are the same.
    """
    found = []
    for number, message in enumerate(messages):
        if message["role"] == "assistant" and isinstance(message["content"], list):
            for index, block in enumerate(message["content"]):
                citations = block.get("citations")
                if isinstance(citations, list) and not all(map(_is_of_web_search, citations)):
                    found.append(f"messages.{number}.content.{index}.citations")
    return tuple(found)


def refuse_too_many_media(messages: Iterable[Sequence[ContentBlock]]) -> None:
    """Raise InvalidRequest when the oldest images and documents of the conversation would be left out."""
    media = sum(_count_media(block) for blocks in messages for block in blocks)
    if media > MOST_MEDIA:
        raise InvalidRequest(
            "messages",
            f"this server carries at most {MOST_MEDIA} images and documents in a request, not {media}: "
            "of more than that the CLI leaves out the oldest",
        )


def refuse_too_deep(value: object, around: int = 0) -> None:
    """Raise InvalidRequest for what is nested so deeply that it could not be written down again.

    `around` are the levels that it is going to stand in.
    """
    write_again(value, around)


def write_again(value: object, around: int = 0) -> bytes:
    """`value` as JSON; raises as `refuse_too_deep`."""
    around += _NESTING_WRITTEN - DEEPEST
    for _ in range(around):
        value = [value]
    try:
        return orjson.dumps(value)[around:-around]
    except orjson.JSONEncodeError:
        raise InvalidRequest("", f"the request is nested more than {DEEPEST} levels deep") from None


def refuse_inexact(value: object, written: bytes) -> None:
    """Raise InvalidRequest for an integer that the CLI, to which every number is a double, would round.

    `written` is the same as JSON: in most there is no number so long that `value` must be looked through.
    """
    if _has_digits(written, _INEXACT) and (keys := _find_inexact(value)) is not None:
        path = ""
        for key in reversed(keys):
            path = within(path, str(key))
        raise InvalidRequest(path, "this server cannot carry this integer exactly; send it as a string")


def _find_inexact(value: Any) -> list[object] | None:
    """The way to the first such integer in an object or array, the last step first."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        kind = type(each)  # a body may have millions of these
        if kind is dict or kind is list:
            if each and (keys := _find_inexact(each)) is not None:
                return [*keys, key]
        elif kind is int and not -(2**53) <= each <= 2**53 and not _is_written_as_it_is(each):
            return [key]
    return None


def refuse_rounded(body: bytes) -> None:
    """The same for integers in a JSON text that are too long for the decoder, which has made doubles of them."""
    if _has_digits(body, _LONG):
        json.loads(body, parse_int=_refuse_rounded)


def _has_digits(text: bytes, count: int) -> bool:
    return b"0" * count in text.translate(_AS_NOUGHTS)  # ten times as fast as a regular expression


def _refuse_rounded(digits: str) -> None:
    if len(digits) >= _LONG and Decimal(repr(float(digits))) != Decimal(digits):
        raise InvalidRequest(
            "", f"this server cannot carry the integer {shorten(digits)} exactly; send it as a string"
        )


def _is_written_as_it_is(integer: int) -> bool:
    # JavaScript writes the shortest digits that tell one double from the next, and noughts: 2**60 is one, but comes
    # out as 1152921504606847000. So does Python's repr.
    return Decimal(repr(float(integer))) == integer


def _is_of_web_search(citation: object) -> bool:
    return isinstance(citation, dict) and citation.get("type") == "web_search_result_location"


def _count_media(block: ContentBlock) -> int:
    inner = block["content"] if block["type"] == "tool_result" and "content" in block else ()
    nested = 0 if isinstance(inner, str) else sum(each["type"] in _MEDIA for each in inner)
    return nested + (block["type"] in _MEDIA)


def _stripped(text: str) -> str:
    return text.replace(BYTE_ORDER_MARK, " ").strip()
