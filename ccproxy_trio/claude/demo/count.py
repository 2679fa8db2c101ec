"""How many tokens a request has, as upstream would count them: a number that a test can say in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOT_SAID = frozenset({"type", "role", "cache_control", "media_type"})


def count_tokens(body: Mapping[str, Any]) -> int:
    """Eight, four for each message, and one for every four characters of text, however they are put into blocks."""
    messages = body.get("messages")
    said = [body.get("system"), body.get("tools"), *(messages if isinstance(messages, list) else [])]
    characters = sum(map(len, _texts_in(said)))
    return 8 + 4 * (len(said) - 2) + -(-characters // 4)


def _texts_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, inner in value.items():
                if key not in _NOT_SAID:
                    yield from _texts_in(inner)
        case list():
            for inner in value:
                yield from _texts_in(inner)
