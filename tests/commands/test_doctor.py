"""`doctor` in processes of its own: with each kind of CLI, and with what keeps a server from working."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import trio
from attrs import evolve

from tests.fake_api import open_fake_api
from tests.serve.running import Scratch, run_to_end
from tests.serve.test_start import IGNORING, write_slow_cli

if TYPE_CHECKING:
    from pathlib import Path

DOCTOR = [sys.executable, "-m", "ccproxy_trio", "doctor"]
CHECKS = [
    *("settings", "binary", "version", "authentication", "upstream", "start", "probe", "turn"),
    *("files", "memory", "port"),
]


def write_script(folder: Path, script: str) -> Path:
    """A program that stands where the CLI does."""
    path = folder / "claude"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


async def examine(scratch: Scratch, *flags: str, head: list[str] = DOCTOR) -> tuple[int, dict[str, Any], str]:
    """The exit status, the findings by check, and what was said on stderr."""
    port = [] if any(flag.startswith("--port") for flag in flags) else ["--port=0"]
    status, printed, said = await run_to_end([*head, "--json", *port, *flags], scratch)
    document = json.loads(printed)
    assert document["ok"] is (status == 0)
    findings = {finding["check"]: finding for finding in document["findings"]}
    assert len(findings) == len(document["findings"])
    return status, findings, said


def states(findings: dict[str, Any], *, but: str = "ok") -> dict[str, str]:
    return {check: finding["state"] for check, finding in findings.items() if finding["state"] != but}


async def test_by_a_parent_that_ignores_its_children(scratch: Scratch) -> None:
    head = [sys.executable, "-c", IGNORING, *DOCTOR]
    status, findings, _ = await examine(scratch, "--demo", "--no-turn", head=head)
    assert (status, states(findings)) == (0, {"turn": "skipped"})


async def test_with_the_stand_in_all_is_well(scratch: Scratch) -> None:
    scratch = evolve(scratch, variables={})
    status, printed, said = await run_to_end([*DOCTOR, "--demo", "--port", "0"], scratch)
    assert (status, said) == (0, "")
    *lines, blank, end = printed.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", check] for check in CHECKS]
    assert (blank, end) == ("", "Nothing failed.")
    assert re.search(
        r"^ok +turn +first event after \d+ ms, whole answer after \d+ ms \(\d+ tokens", printed, re.MULTILINE
    )
    assert not scratch.private_folders


@pytest.mark.cli
async def test_with_the_real_binary_one_question_is_asked_and_told(
    scratch: Scratch, claude_binary: Path
) -> None:
    async with open_fake_api() as api:
        variables = {"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": "SECRET"}
        scratch = evolve(scratch, variables=variables)
        status, findings, said = await examine(scratch, "--cli-path", str(claude_binary))
        assert (status, list(findings), states(findings)) == (0, CHECKS, {})
        (asked,) = api.requests
        assert (asked.path.partition("?")[0], asked.body["max_tokens"]) == ("/v1/messages", 16)
    assert " ".join(said.split()) == (
        "turn asking sonnet one short question of the API, at the cost of API key from ANTHROPIC_API_KEY "
        "(--no-turn leaves it out)"
    )
    assert findings["binary"]["text"] == str(claude_binary)
    assert findings["authentication"]["text"] == "API key from ANTHROPIC_API_KEY"
    assert findings["upstream"]["text"] == "127.0.0.1 (ANTHROPIC_BASE_URL)"
    assert findings["turn"]["details"]["output_tokens"] > 0
    assert 0 < findings["turn"]["details"]["first_event_seconds"] <= findings["turn"]["details"]["seconds"]
    assert findings["memory"]["details"]["measured"] is True
    assert findings["memory"]["details"]["of_an_instance"] > 50 * 2**20
    assert "SECRET" not in json.dumps(findings) + said


@pytest.mark.cli
async def test_without_a_turn_nothing_is_asked(scratch: Scratch, claude_binary: Path) -> None:
    async with open_fake_api() as api:
        variables = {"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": "dummy"}
        scratch = evolve(scratch, variables=variables)
        status, findings, said = await examine(scratch, "--cli-path", str(claude_binary), "--no-turn")
        assert (status, states(findings), said) == (0, {"turn": "skipped"}, "")
        assert api.requests == []


async def test_with_a_cli_that_does_not_start(scratch: Scratch, tmp_path: Path) -> None:
    cli = write_script(
        tmp_path, 'case "$*" in *--version) echo 2.1.999 ;; *) echo broken >&2; exit 3 ;; esac'
    )
    scratch = evolve(scratch, variables={"ANTHROPIC_API_KEY": "dummy"})
    status, findings, said = await examine(scratch, "--cli-path", str(cli))
    assert (status, said) == (1, "")
    assert states(findings) == {"start": "failed", "probe": "skipped", "turn": "skipped"}
    assert "exited with status 3: broken" in findings["start"]["text"]
    assert findings["start"]["remedy"]


async def test_a_server_that_would_ask_itself(scratch: Scratch, tmp_path: Path) -> None:
    write_slow_cli(tmp_path / "claude", tmp_path)
    variables = {"ANTHROPIC_BASE_URL": "http://localhost:18999/", "ANTHROPIC_API_KEY": "dummy"}
    scratch = evolve(scratch, variables={**variables, "CLAUDE__CLI_PATH": str(tmp_path / "claude")})
    status, findings, said = await examine(scratch, "--port=18999")
    assert (status, said) == (1, "")
    del findings["port"]  # which somebody may use
    assert states(findings) == {"upstream": "failed", "turn": "skipped"}


async def test_too_few_files(scratch: Scratch) -> None:
    head = ["/bin/sh", "-euc", 'ulimit -n 250; exec "$@"', "sh", *DOCTOR]
    status, findings, _ = await examine(scratch, "--no-turn", head=head)
    assert (status, states(findings)) == (1, {"turn": "skipped", "files": "failed"})
    assert findings["files"]["details"] == {"limit": 250, "needed": 2284}


async def test_control_c_leaves_nothing(scratch: Scratch, tmp_path: Path) -> None:
    write_slow_cli(tmp_path / "claude", tmp_path / "never")
    scratch = evolve(scratch, variables={})
    process = await trio.lowlevel.open_process(
        [*DOCTOR, "--cli-path", str(tmp_path / "claude")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=scratch.environment,
        cwd=scratch.working,
    )
    assert process.stderr is not None
    await scratch.until(lambda: bool(scratch.instances))
    process.send_signal(signal.SIGINT)
    with trio.fail_after(30):
        said = b"".join([chunk async for chunk in process.stderr])
        await process.wait()
    await process.stderr.aclose()
    assert said.strip() == b"Aborted!"
    assert process.returncode == 1
    await scratch.until(lambda: not scratch.processes)
    assert not scratch.private_folders
