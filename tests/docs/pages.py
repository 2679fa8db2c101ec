"""The pages of docs/ as values: their text, fenced blocks, tables and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    section: str
    """The heading above it."""
    language: str
    text: str
    line: int
    """Where its text begins in the page."""


@dataclass(frozen=True)
class Page:
    """One page."""

    path: Path
    text: str

    def section(self, heading: str) -> str:
        """What stands between a heading of the second level and the next one."""
        parts = re.split(r"^## (.*)$", self.text, flags=re.MULTILINE)
        sections = dict(zip(parts[1::2], parts[2::2], strict=True))
        return sections[heading]

    def table(self, heading: str) -> list[list[str]]:
        """The rows of the first table of a section, without its head, each cell's backticks taken off."""
        found = re.search(r"(?:^\|.*\|\n)+", self.section(heading), flags=re.MULTILINE)
        assert found is not None, f"no table in {heading!r}"
        rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in found[0].splitlines()]
        assert set("".join(rows[1])) <= set("-:")
        return rows[2:]

    @property
    def blocks(self) -> list[Block]:
        """The fenced blocks, in order."""
        blocks = []
        for found in re.finditer(r"^```(\w+)\n(.*?)^```$", self.text, flags=re.MULTILINE | re.DOTALL):
            headings = re.findall(r"^##+ (.*)$", self.text[: found.start()], flags=re.MULTILINE)
            line = self.text.count("\n", 0, found.start(2)) + 1
            blocks.append(Block(headings[-1] if headings else "", found[1], found[2], line))
        return blocks

    @property
    def links(self) -> list[str]:
        """The targets of all links to files of this project."""
        return [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", self.text) if "://" not in target]


def read_page(name: str) -> Page:
    """A page of docs/, by its file's name."""
    path = DOCS / name
    return Page(path, path.read_text(encoding="utf-8"))


def code_span(text: str) -> str:
    """What is between the backticks of a cell that is nothing but code."""
    assert text.startswith("`"), text
    assert text.endswith("`"), text
    return text[1:-1]
