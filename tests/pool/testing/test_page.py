"""The programs of docs/testing.md run as they stand there; docs/testing-reference.md names what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import ccproxy_trio.pool.testing
from ccproxy_trio import pytest_plugin
from ccproxy_trio.pool.testing import GatedFactory
from tests.docs.pages import Page, read_page

if TYPE_CHECKING:
    from pathlib import Path

PAGE = read_page("testing.md")
FILES = {
    block.text.partition("\n")[0].removeprefix("# "): block.text
    for block in PAGE.blocks
    if block.language == "python"
}
(SAID,) = (block.text for block in PAGE.blocks if block.language == "text")


def run(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).write_text(text)
    plugins = ("pytest_trio.plugin", pytest_plugin.__name__, "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *(word for name in plugins for word in ("-p", name))]
    done = subprocess.run(
        [*command, "-o", "trio_mode=true", "-W", "error", "-q", "-rA", "--tb=short", "--show-capture=no"],
        cwd=folder,
        env=dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS=""),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.stdout


def outcomes(said: str, outcome: str) -> set[str]:
    return {found.partition("::")[0] for found in re.findall(rf"^{outcome} (\S+)", said, flags=re.MULTILINE)}


def test_every_program_passes(tmp_path: Path) -> None:
    said = run(tmp_path, FILES)
    tests = {name for name in FILES if name.startswith("test_")}
    assert len(tests) == 6
    assert outcomes(said, "PASSED") == tests, said
    assert re.search(r"^29 passed in", said, flags=re.MULTILINE), said


def test_the_storm_finds_the_leak_and_nothing_else_does(tmp_path: Path) -> None:
    head, old, tail = FILES["mail.py"].partition("async def send_once")
    assert old
    assert tail
    leak = FILES["leaky.py"].partition("\n")[2]
    said = run(tmp_path, {**FILES, "mail.py": head + leak})
    assert outcomes(said, "FAILED") == {"test_storm.py"}, said
    # The page breaks the line once; how many are lost depends on each checkpoint in the pool.
    message = re.escape(" ".join(SAID.split()))
    assert re.search(re.sub(r"\d+", r"\\d+", message), " ".join(said.replace("\nE ", "\n").split())), said


def first_column(page: Page) -> list[str]:
    """The names in the first cells of a page's tables, without their arguments."""
    rows = re.findall(r"^\| (`.*?) \|", page.text, flags=re.MULTILINE)
    return [name.partition("(")[0] for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_the_tables_name_what_there_is() -> None:
    fixtures = {name for name in vars(pytest_plugin) if name.startswith("pool_")}
    of_factory = {name for name in {*vars(GatedFactory), *GatedFactory.__annotations__} if name[0] != "_"}
    # Those are named in the text, or are types that nobody makes.
    others = set(ccproxy_trio.pool.testing.__all__) - {"Gate", "GatedFactory", "Measured", "Record"}
    named = first_column(read_page("testing-reference.md"))
    assert sorted(named) == sorted([*others, "Gates.every", *of_factory, *fixtures])
