"""The programs of docs/embedding.md run as they stand there, and print what the page says that they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import Block, read_page

if TYPE_CHECKING:
    from pathlib import Path

PAGE = read_page("embedding.md")
PROGRAMS = [
    (program, printed.text)
    for program, printed in pairwise(PAGE.blocks)
    if (program.language, printed.language) == ("python", "text") and program.section == printed.section
]


def test_there_are_four_programs_and_each_says_what_it_prints() -> None:
    assert [program.section for program, _ in PROGRAMS] == [
        "SQLite connections, in threads",
        "TCP connections",
        "Worker subprocesses",
        "Claude instances",
    ]
    assert len(PAGE.blocks) == 8


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-"],
        input=program,
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(("program", "printed"), PROGRAMS, ids=[program.section for program, _ in PROGRAMS])
def test_a_program_prints_what_the_page_says(program: Block, printed: str, tmp_path: Path) -> None:
    done = run("\n" * (program.line - 1) + program.text, tmp_path)  # A traceback names the line of the page.
    assert done.stderr == ""
    assert done.stdout == printed
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("number", "without", "outcome"),
    [
        (0, "reset=roll_back, ", "database is locked"),
        (0, ", retire_on_error=False", "[345] connections"),
        (1, "check=check, ", "the server hung up"),
    ],
)
def test_a_lesson_is_true(number: int, without: str, outcome: str, tmp_path: Path) -> None:
    program, _ = PROGRAMS[number]
    assert program.text.count(without) == 1
    done = run(program.text.replace(without, ""), tmp_path)
    assert re.search(outcome, done.stdout + done.stderr)


def test_what_a_cancelled_borrower_leaves_in_a_pipe_is_read_by_the_next(tmp_path: Path) -> None:
    program, printed = PROGRAMS[2]
    keeping = program.text.replace("max_size=1)", "max_size=1, retire_on_error=False)")
    done = run(keeping.replace("time.sleep(30 ", "time.sleep(1 "), tmp_path)
    assert "13 from worker 2" in printed
    assert done.stdout.startswith("12\n")
    assert "13 from" not in done.stdout


def test_what_it_links_to_is_there() -> None:
    assert PAGE.links
    assert [target for target in PAGE.links if not (PAGE.path.parent / target).exists()] == []
