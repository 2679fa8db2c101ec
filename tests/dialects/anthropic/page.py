"""docs/compatibility.md as tables, and what parse_request makes of a body, in the page's words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ccproxy_trio.dialects.anthropic import parse_request
from ccproxy_trio.dialects.failures import InvalidRequest
from tests.dialects.anthropic.bodies import assistant, body, user

PAGE = (Path(__file__).parents[3] / "docs" / "compatibility.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head; a cell that is nothing but code is bare."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[2:]]
    return [[re.sub(r"^`([^`]*)`$", r"\1", cell) for cell in row] for row in cells]


def outcome(raw: bytes) -> str:
    """``honoured``, ``ignored: `` with the paths, or what is said of a body that is refused."""
    try:
        request = parse_request(raw)
    except InvalidRequest as error:
        return str(error)
    return f"ignored: {', '.join(request.ignored)}" if request.ignored else "honoured"


def outcome_of(**fields: Any) -> str:
    return outcome(body(**fields))


def told(*said: Any, then: tuple[Any, ...] = ("b",)) -> list[Any]:
    """A conversation with this answer in it, and then this of the user's."""
    return [user("a"), assistant(*said), user(*then)]


def raw(text: str) -> bytes:
    """The least request, with this text for a member more."""
    return body()[:-1] + b"," + text.encode() + b"}"
