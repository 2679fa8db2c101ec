"""A start in vain: one clear message with the ways out, and an exit status that a supervisor understands."""

from __future__ import annotations

import socket
import sys
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from tests.serve.running import IN_PROCESS, ONE_WORKER, SERVE, TWO_WORKERS, Scratch, Way, run_to_end

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WAYS_OUT = """.
  Install it: pip install 'ccproxy-trio[cli]', or npm install -g @anthropic-ai/claude-code;
  or try the server without it: ccproxy-trio serve --demo (in the environment: CLAUDE__DEMO=true)
"""


def nowhere(folder: Path) -> tuple[dict[str, str], str]:
    # A package without a binary hides the one that is installed.
    (folder / "claude_agent_sdk").mkdir()
    (folder / "claude_agent_sdk" / "__init__.py").touch()
    problem = "no `claude` was found on PATH, in its usual places, or in a claude-agent-sdk package"
    return {"PYTHONPATH": str(folder), "PATH": str(folder)}, problem


def missing(folder: Path) -> tuple[dict[str, str], str]:
    cli = folder / "claude"
    return {"CLAUDE__CLI_PATH": str(cli)}, f"claude.cli_path names {cli}: No such file or directory"


def not_executable(folder: Path) -> tuple[dict[str, str], str]:
    cli = folder / "claude"
    cli.write_text("#!/bin/sh\necho 99.0.0\n")
    return {"CLAUDE__CLI_PATH": str(cli)}, f"{cli} is not an executable file"


def too_old(folder: Path) -> tuple[dict[str, str], str]:
    cli = folder / "claude"
    cli.write_text("#!/bin/sh\necho '2.1.247 (Claude Code)'\n")
    cli.chmod(0o700)
    return {"CLAUDE__CLI_PATH": str(cli)}, f"{cli} is version 2.1.247; 2.1.248 or later is needed"


@pytest.mark.parametrize("unusable", [nowhere, missing, not_executable, too_old])
async def test_no_usable_cli(
    unusable: Callable[[Path], tuple[dict[str, str], str]], scratch: Scratch, tmp_path: Path
) -> None:
    variables, problem = unusable(tmp_path)
    done = await run_to_end(SERVE.command(), evolve(scratch, variables=variables))
    assert done == (2, "", f"ccproxy-trio: {problem}{WAYS_OUT}")


@pytest.mark.parametrize("way", [IN_PROCESS, ONE_WORKER, TWO_WORKERS], ids=str)
async def test_no_usable_cli_under_hypercorn(way: Way, scratch: Scratch, tmp_path: Path) -> None:
    variables, problem = too_old(tmp_path)
    status, stdout, stderr = await run_to_end(way.command(), evolve(scratch, variables=variables))
    assert stdout == ""
    # hypercorn's parent process forgets the status of the worker that failed (pgjones/hypercorn#269).
    assert status in ({0, 1} if way.workers else {1})
    assert f"'ccproxy-trio: {problem}{WAYS_OUT}".rstrip() in stderr.replace("\n    | ", "\n")
    assert "CliUnusable" not in stderr  # no traceback but hypercorn's own


@pytest.mark.parametrize("way", [SERVE, IN_PROCESS], ids=str)
async def test_every_bad_setting_is_told(way: Way, scratch: Scratch) -> None:
    variables = {"POOL_SETTINGS__MIN_SIZE": "eleven", "CLAUDE__DEMON": "true", "SERVER__GRACE": "-1"}
    status, stdout, stderr = await run_to_end(way.command(grace=1), evolve(scratch, variables=variables))
    assert (status, stdout) == (2 if way == SERVE else 1, "")
    assert 'POOL_SETTINGS__MIN_SIZE: found "eleven"; allowed: a whole number' in stderr
    assert "CLAUDE__DEMON: no such option; did you mean CLAUDE__DEMO?" in stderr
    assert 'SERVER__GRACE: found "-1"' in stderr
    assert "SettingsError" not in stderr


async def test_another_worker_class(scratch: Scratch) -> None:
    command = [sys.executable, "-m", "hypercorn", "-w", "0", "-b", "127.0.0.1:0", "ccproxy_trio.asgi:app"]
    status, stdout, stderr = await run_to_end(command, scratch)
    assert (status, stdout) == (1, "")
    assert "'ccproxy-trio: this worker does not run trio. Start it with: hypercorn -k trio'" in stderr


async def test_a_working_directory_that_is_gone(scratch: Scratch) -> None:
    for way, expected in (SERVE, 2), (IN_PROCESS, 1):
        gone = f"cd $(mktemp -d) && rmdir $PWD && exec {' '.join(way.command())}"
        status, stdout, stderr = await run_to_end(["/bin/sh", "-c", gone], scratch)
        assert (status, stdout) == (expected, ""), stderr


async def refuse_to_listen(scratch: Scratch, host: str, port: int, remedy: str) -> str:
    """Check that nobody can listen there, and return the reason that is told."""
    command = [*SERVE.command(), "--allow-anyone", "--host", host, "--port", str(port)]
    status, stdout, stderr = await run_to_end(command, scratch)
    before, after = f"ccproxy-trio: cannot listen on {host} port {port}: ", f".\n  {remedy}.\n"
    assert (status, stdout, stderr[: len(before)], stderr[-len(after) :]) == (2, "", before, after)
    return stderr[len(before) : -len(after)]


async def test_a_port_in_use(scratch: Scratch) -> None:
    remedy = "End the program that uses it, or choose another with --port (--port 0: any free one)"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert await refuse_to_listen(scratch, "127.0.0.1", port, remedy) == "Address already in use"


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("192.0.2.1", "Cannot assign requested address"),
        ("two words", "the host cannot be resolved (*)"),
        ("two..dots", "the host is not a valid name"),
    ],
)
async def test_a_host_that_is_not_ours(host: str, reason: str, scratch: Scratch) -> None:
    remedy = "Choose one of this machine's addresses with --host (127.0.0.1: for this machine only)"
    assert fnmatch(await refuse_to_listen(scratch, host, 0, remedy), reason)
