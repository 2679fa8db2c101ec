"""The system prompt: its texts, and the exact words for what it may not hold."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.anthropic.bodies import EXTRA, OBJECT, image, parse, refused, text


@pytest.mark.parametrize(
    ("system", "texts"),
    [
        ("Be brief.", ("Be brief.",)),
        ([text("Be brief."), text("And kind.\n", cache_control=None)], ("Be brief.", "And kind.\n")),
        ("", ()),
        ([], ()),
    ],
)
def test_its_texts(system: Any, texts: tuple[str, ...]) -> None:
    request = parse(system=system)
    assert (request.system, request.ignored) == (texts, ())


@pytest.mark.parametrize(
    ("system", "message"),
    [
        (1, "system: Input should be a valid string or list"),
        (None, "system: Input should be a valid string or list"),
        (" \n", "system: text content blocks must contain non-whitespace text"),
        ("\ufeff", "system: text content blocks must contain non-whitespace text"),
        ([text("")], "system.0.text: text content blocks must be non-empty"),
        (["Be brief."], f"system.0: {OBJECT}"),
        ([image()], "system.0: `image` blocks cannot stand in the system prompt"),
        ([text("a"), text("b", id=1)], f"system.1.text.id: {EXTRA}"),
        ([text("a", cache_control="5m")], f"system.0.text.cache_control: {OBJECT}"),
    ],
)
def test_a_bad_one(system: Any, message: str) -> None:
    assert refused(system=system) == message


@pytest.mark.parametrize(
    ("system", "message"),
    [
        ("__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__", "the prompt '__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__'"),
        (
            "x-anthropic-billing-header: x\nBe brief.",
            "a prompt that begins with 'x-anthropic-billing-header:'",
        ),
    ],
)
def test_one_that_the_cli_would_keep_for_itself_is_refused(system: str, message: str) -> None:
    assert refused(system=system) == f"system: this server cannot carry {message}"
    later = [text("Be kind."), text(system)]
    assert parse(system=later).system == ("Be kind.", system)
