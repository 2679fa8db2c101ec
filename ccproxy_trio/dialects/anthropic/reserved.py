"""Texts that the CLI takes for marks of its own, and would drop or put elsewhere without a word.

Nothing is dropped in silence, so they are refused. Each was seen to go missing in what the CLI (2.1.330) sends
upstream: a system prompt of these words alone, or with that beginning, and an answer in the history of which no
block says anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio.dialects.failures import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccproxy_trio.dialects.anthropic.blocks import ContentBlock

SYSTEM_MARK = "__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__"
SYSTEM_BEGINNING = "x-anthropic-billing-header:"
EMPTY_ANSWERS = frozenset({"(no content)", "[Empty text removed]"})
BYTE_ORDER_MARK = "\ufeff"
"""White space to the CLI, though not to Python."""


def refuse_reserved_system(blocks: Sequence[ContentBlock]) -> None:
    """Raise InvalidRequest for a system prompt that would not reach the model as such."""
    if not blocks:
        return
    if blocks[0].text.startswith(SYSTEM_BEGINNING):
        raise InvalidRequest(
            "system", f"this server cannot carry a prompt that begins with {SYSTEM_BEGINNING!r}"
        )
    if len(blocks) == 1 and blocks[0].text == SYSTEM_MARK:
        raise InvalidRequest("system", f"this server cannot carry the prompt {SYSTEM_MARK!r}")


def refuse_empty_answer(blocks: Sequence[ContentBlock], path: str) -> None:
    """Raise InvalidRequest for a message of the assistant's that would be taken out of the history."""
    texts = [block.text.replace(BYTE_ORDER_MARK, " ").strip() for block in blocks]
    if EMPTY_ANSWERS.issuperset(texts):
        raise InvalidRequest(
            path, f"this server cannot carry an assistant message of nothing but {texts[0]!r}"
        )
