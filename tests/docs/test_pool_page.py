"""docs/pool.md against the code: what it draws, lists and shows is there, and what is there it shows."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

import ccproxy_trio.pool as package
from ccproxy_trio.pool import Lease, Pool, PoolConfig, PoolError, PoolEvent, PoolStatistics, RetireReason
from ccproxy_trio.pool._slots import FIRST, MOVES
from tests.docs.pages import Block, code_span, read_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE = read_page("pool.md")
PYTHON = [block for block in PAGE.blocks if block.language == "python"]


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    """A resource."""
    yield None


def first_cells(heading: str) -> list[str]:
    return [code_span(row[0]) for row in PAGE.table(heading)]


def public_members(kind: type[Any]) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def drawn() -> list[tuple[str, str, str]]:
    """The arrows of the picture: from, to, and what is written on them."""
    (picture,) = (block for block in PAGE.blocks if block.language == "mermaid")
    head, *lines = picture.text.splitlines()
    assert head == "stateDiagram-v2"
    arrows = []
    for line in lines:
        arrow = re.fullmatch(r" +(\S+) --> ([^\s:]+)(?:: (.+))?", line)
        assert arrow is not None, line
        arrows.append((arrow[1], arrow[2], arrow[3] or ""))
    return arrows


def test_the_arrows_drawn_are_those_of_the_table() -> None:
    table: set[tuple[str, str]] = {(before, after) for before, row in MOVES.items() for after in row}
    table.add(("[*]", FIRST))
    table |= {(state, "[*]") for state, row in MOVES.items() if not row}
    arrows = [(before, after) for before, after, _ in drawn()]
    assert set(arrows) == table
    assert len(arrows) == len(table)


def test_every_arrow_says_when() -> None:
    assert [(before, after) for before, after, label in drawn() if not label] == [("gone", "[*]")]


def test_there_are_eleven_promises() -> None:
    numbers = re.findall(r"^(\d+)\. \*\*", PAGE.section("What it promises"), flags=re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 12)]


@pytest.mark.parametrize("name", package.__all__)
def test_every_public_name_is_in_the_page(name: str) -> None:
    assert re.search(rf"`{name}\b[^`\n]*`", PAGE.text)


@pytest.mark.parametrize("kind", [Pool, Lease])
def test_every_member_is_in_a_table(kind: type[Any]) -> None:
    section = PAGE.section("What there is").split(f"A `{kind.__name__}` has:")[1]
    cells = re.findall(r"^\| (`.*?`) \|", section.split("\n\n")[1], flags=re.MULTILINE)
    members = {re.split(r"\W", span)[0] for cell in cells for span in re.findall(r"`([^`]+)`", cell)}
    assert members == public_members(kind) | set(inspect.get_annotations(kind))


def test_the_configuration_has_every_field_with_its_default() -> None:
    rows = [(code_span(field), code_span(default)) for field, default, _ in PAGE.table("Configuration")]
    assert rows == [(field.name, repr(field.default)) for field in dataclasses.fields(PoolConfig)]


def test_the_statistics_have_every_field() -> None:
    assert first_cells("Statistics") == [field.name for field in dataclasses.fields(PoolStatistics)]


def test_every_reason_is_there() -> None:
    assert first_cells("Reasons") == [reason.value for reason in RetireReason]


def test_every_error_is_there() -> None:
    assert set(first_cells("Errors")) == {
        PoolError.__name__,
        *(kind.__name__ for kind in PoolError.__subclasses__()),
    }


async def test_an_error_reads_as_shown() -> None:
    """The statistics' wording, with numbers of the page's choice."""
    (shown,) = (block.text.strip() for block in PAGE.blocks if block.section == "Errors")
    async with package.open_pool(nothing, PoolConfig(min_size=0, max_size=10), name="db") as pool:
        statistics = dataclasses.replace(pool.statistics(), in_use=10, total=10, waiting=3)
    assert str(package.PoolTimeout("no resource came free in 5.0 s", statistics)) == shown


def test_every_event_is_there_with_its_fields() -> None:
    common = {field.name for field in dataclasses.fields(PoolEvent)}
    events = {code_span(name): re.findall(r"`(\w+)`", fields) for name, fields, _ in PAGE.table("Observers")}
    assert events == {
        kind.__name__: [field.name for field in dataclasses.fields(kind) if field.name not in common]
        for kind in PoolEvent.__subclasses__()
    }


def test_advice_is_about_numbers_that_exist() -> None:
    numbers = set()
    for symptom, _ in re.findall(r"^\| (.+?) \| (.+) \|$", PAGE.section("Sizing"), flags=re.MULTILINE)[2:]:
        for span in re.findall(r"`([^`]+)`", symptom):
            name, _, reason = span.rstrip("]").partition("[")
            numbers.add(name)
            assert not reason or reason in set(RetireReason)
    assert numbers
    assert numbers <= {field.name for field in dataclasses.fields(PoolStatistics)}


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: f"line {block.line}")
def test_what_is_shown_is_python(block: Block) -> None:
    compile(block.text, "pool.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_first_example_prints_what_the_page_says() -> None:
    program, printed = PAGE.blocks[:2]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-"],
        input=program.text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == (printed.text, "")


def test_what_it_links_to_is_there() -> None:
    assert [target for target in PAGE.links if not (PAGE.path.parent / target).exists()] == []
    anchors = set(re.findall(r"\]\(#([^)]+)\)", PAGE.text))
    headings = re.findall(r"^##+ (.*)$", PAGE.text, flags=re.MULTILINE)
    assert anchors
    assert anchors <= {heading.lower().replace(" ", "-") for heading in headings}
