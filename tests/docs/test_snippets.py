"""What docs/quickstart.md, docs/clients.md and README.md tell a reader to run does what they say."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.from_thread
import pytest
import trio

from ccproxy_trio import claude_pool
from ccproxy_trio.pool import PoolConfig, open_pool
from ccproxy_trio.settings import ClaudeSettings, Settings, load
from tests.cli.conftest import claude_binary as claude_binary
from tests.docs.pages import Page, read_page
from tests.docs.snippets import ADDRESS, NODE, PATIENCE, Program, find_programs
from tests.serve.running import SERVE, Scratch, open_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.serve.running import Server

ROOT = Path(__file__).parents[2]
README = Page(ROOT / "README.md", (ROOT / "README.md").read_text(encoding="utf-8"))
QUICKSTART = read_page("quickstart.md")
CLIENTS = read_page("clients.md")

LARGE = ("LangChain", "LiteLLM", "aider")
"""Clients of hundreds of megabytes, which are run only with CCPROXY_LARGE_CLIENTS=1."""
WANTED = LARGE if os.environ.get("CCPROXY_LARGE_CLIENTS") == "1" else ()

NPM = {"@anthropic-ai/sdk": "1.12.0", "openai": "6.49.0"}
"""The versions of what is installed from npm."""

PROGRAMS = [program for page in (README, QUICKSTART, CLIENTS) for program in find_programs(page)]
OF_THEIR_OWN = ("Claude Code", "What you see")
"""Sections whose programs have tests of their own."""


def runnable() -> Iterator[Any]:
    for program in PROGRAMS:
        section = program.block.section
        if section in WANTED:
            yield pytest.param(program, marks=pytest.mark.timeout(600))
        elif section not in (*LARGE, *OF_THEIR_OWN):
            yield program


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The stand-in's server, as `serve --demo` runs it, in a thread."""

    @asynccontextmanager
    async def open_demo() -> AsyncIterator[Server]:
        scratch = Scratch(tmp_path_factory.mktemp("server"), {"CLAUDE__DEMO": "true"})
        # Its settings are in the folder, as they are in a copy of the project.
        shutil.copy(ROOT / "ccproxy.toml", scratch.working)
        async with open_server(SERVE, scratch) as server:
            yield server

    with (
        anyio.from_thread.start_blocking_portal("trio") as portal,
        portal.wrap_async_context_manager(open_demo()) as server,
    ):
        yield server


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """Where a program runs."""
    return Scratch(tmp_path)


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients that the page installs by npm."""
    named = re.findall(r"^`npm install (\S+)`$", CLIENTS.text, re.MULTILINE)
    assert sorted(named) == sorted(NPM)
    folder = tmp_path_factory.mktemp("npm")
    npm = NODE.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    packages = [f"{name}@{version}" for name, version in NPM.items()]
    done = subprocess.run(
        [
            NODE / "node",
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefer-offline",
            *packages,
        ],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "node_modules"


def install(section: str, folder: Path) -> Path:
    """Install a large client as the page says; the folder of its commands."""
    (packages,) = re.findall(r"^`pip install (.+)`$", CLIENTS.section(section), re.MULTILINE)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=PATIENCE)
    subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *packages.split()],
        check=True,
        timeout=500,
    )
    return folder / "bin"


@pytest.mark.parametrize("program", list(runnable()), ids=str)
def test_a_program_prints_what_the_page_says(
    program: Program, server: Server, scratch: Scratch, request: pytest.FixtureRequest
) -> None:
    places = []
    if program.block.section in LARGE:
        places.append(install(program.block.section, scratch.path / "venv"))
    if program.block.language == "typescript":
        (scratch.working / "node_modules").symlink_to(request.getfixturevalue("node_modules"))
    done = program.run(server.port, scratch, places)
    assert done.returncode == 0, done.stderr
    assert not done.stderr or places  # large clients have much to say there
    program.judge(done.stdout, server.port)


@pytest.mark.cli
def test_claude_code_answers_by_one_model_and_tells_of_the_refusal_by_another(
    server: Server, scratch: Scratch, claude_binary: Path
) -> None:
    (program,) = (each for each in PROGRAMS if each.block.section == "Claude Code")
    done = program.run(server.port, scratch, [claude_binary.parent])
    assert (done.returncode, done.stderr) == (0, "")
    program.judge(done.stdout, server.port)
    _, refusal = (
        block for block in CLIENTS.blocks if block.section == "Claude Code" and block.language == "text"
    )
    done = program.run(server.port, scratch, [claude_binary.parent], without="--model claude-sonnet-4-6 ")
    assert done.stdout == refusal.text


def test_every_client_has_a_program() -> None:
    headings = re.findall(r"^## (.*)$", CLIENTS.text, re.MULTILINE)
    assert [program.block.section for program in find_programs(CLIENTS)] == headings
    assert set(LARGE) < set(headings)


def test_the_start_block_is_what_the_quickstart_shows(server: Server) -> None:
    shown = next(block.text for block in QUICKSTART.blocks if block.section == "Without a login")
    _, _, lines = shown.partition("serve --demo\n")
    # The folder of the copy is the reader's own.
    told = re.sub("^  config  /.*/", "  config  …/ccproxy_trio/", server.stdout.value, flags=re.MULTILINE)
    assert told == lines.replace(ADDRESS, f"127.0.0.1:{server.port}")


def test_stats_has_the_lines_that_the_quickstart_shows(server: Server, scratch: Scratch) -> None:
    (program,) = (each for each in PROGRAMS if each.block.section == "What you see")
    done = program.run(server.port, scratch)
    assert (done.returncode, done.stderr) == (0, "")
    # The numbers are those of a moment.
    assert re.findall("[a-z]+", done.stdout) == re.findall("[a-z]+", program.printed)


def test_the_readme_and_the_quickstart_begin_alike() -> None:
    first = [
        [block.text for block in page.blocks if block.text.startswith(("curl", '{"id":"msg_'))][:2]
        for page in (README, QUICKSTART)
    ]
    assert first[0] == first[1]


def test_the_names_of_models_can_be_set(tmp_path: Path) -> None:
    (block,) = (block for block in CLIENTS.blocks if block.language == "toml")
    (tmp_path / "ccproxy.toml").write_text(block.text)
    assert load(environ={}, cwd=tmp_path).claude.models == tomllib.loads(block.text)["claude"]["models"]


def test_the_readmes_settings_can_be_used(tmp_path: Path) -> None:
    (block,) = (block for block in README.blocks if block.language == "toml")
    (tmp_path / "ccproxy.toml").write_text(block.text)
    pool = load(environ={}, cwd=tmp_path).pool_settings
    assert {name: getattr(pool, name) for name in tomllib.loads(block.text)["pool_settings"]} == (
        tomllib.loads(block.text)["pool_settings"]
    )


async def test_the_readmes_parts_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are the inside of an async function."""

    class Connection:
        async def query(self, text: str) -> None:
            asked.append(text)

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        yield Connection()

    asked: list[str] = []
    fragments = [
        compile(block.text, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for block in README.blocks
        if block.section == "Use its parts" and block.language == "python"
    ]
    names: dict[str, Any] = {"open_pool": open_pool, "PoolConfig": PoolConfig, "connect": connect}
    demo = Settings(claude=ClaudeSettings(demo=True))
    monkeypatch.setattr(claude_pool, "open_claude_pool", partial(claude_pool.open_claude_pool, demo))
    with trio.fail_after(PATIENCE):
        for fragment in fragments:
            await eval(fragment, names)
    assert asked == ["select 1"]
    assert names["message"]["content"] == [{"type": "text", "text": "Demo echo: Why is the sky blue?"}]
