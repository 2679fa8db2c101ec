"""The systemd unit: systemd's own judgement of it, and the server with the real CLI in its sandbox."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.settings import Settings
from tests.child_processes import children_of
from tests.deploy.manager import listen
from tests.deploy.unit import UNIT, USER, allowed_calls, in_sandbox, read_unit, run_analyze
from tests.fake_api import open_fake_api
from tests.serve.running import SERVE, Scratch, open_server
from tests.serve.test_many_clients import rest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MOST_EXPOSED = 11
"""Of 100, by the judgement of systemd-analyze."""


def test_systemd_takes_it(tmp_path: Path) -> None:
    # Where a real installation has the program, here is only Python.
    text = UNIT.read_text().replace("/opt/ccproxy-trio/bin/ccproxy-trio", sys.executable)
    there = tmp_path / UNIT.name
    there.write_text(text)
    done = run_analyze("verify", str(there))
    assert (done.returncode, done.stderr) == (0, "")
    there.write_text(text.replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))
    assert "'NoNewPrivilege'" in run_analyze("verify", str(there)).stderr


def test_systemd_finds_it_hardened() -> None:
    done = run_analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(UNIT))
    assert done.returncode == 0, done.stdout


def test_the_times_fit_the_settings() -> None:
    unit, server = read_unit(), Settings().server
    assert float(unit["TimeoutStopSec"][0]) > server.grace + server.drain_delay + 5
    assert unit["KillMode"] == ["mixed"]


def test_it_holds_no_secret_and_lets_the_cli_compile() -> None:
    unit = read_unit()
    assert "Environment" not in unit
    assert unit["LimitCORE"] == ["0"]
    assert "MemoryDenyWriteExecute" not in unit
    assert {"execve", "socket"} <= set(allowed_calls())
    assert not {"mount", "bpf", "setuid", "ptrace"} & set(allowed_calls())


@pytest.fixture(params=["demo", pytest.param("cli", marks=pytest.mark.cli)])
async def confined(
    request: pytest.FixtureRequest, tmp_path: Path, claude_binary: Path
) -> AsyncIterator[tuple[Scratch, list[str]]]:
    """A folder and the command line of a server in the sandbox, over the stand-in or the real CLI."""
    needed = [] if request.param == "demo" else [claude_binary.parent]
    command = in_sandbox(SERVE.command(), needed)
    variables = {"POOL_SETTINGS__MIN_SIZE": "1", "NOTIFY_SOCKET": f"@ccproxy-trio-unit-{os.getpid()}"}
    async with open_fake_api() as api:
        if request.param == "demo":
            variables["CLAUDE__DEMO"] = "true"
        else:
            variables |= {"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": "dummy"}
            variables["CLAUDE__CLI_PATH"] = str(claude_binary)
        yield Scratch(tmp_path, variables), command


async def test_it_serves_in_the_sandbox(confined: tuple[Scratch, list[str]]) -> None:
    scratch, command = confined
    with listen(scratch.variables["NOTIFY_SOCKET"]) as manager:
        async with open_server(SERVE, scratch, command) as server:
            assert "READY" in await manager.next()
            # A reused instance, too: each of these is taken back.
            assert (await server.ask("hello")).text.endswith("hello")
            async with server.stream("and again") as stream:
                assert (await stream.read()).text.endswith("and again")
            await rest(server)
            assert (await server.get("/pool/stats")).json["stats"]["connections_destroyed"] == 0
            pids = [server.process.pid, *children_of(server.process.pid)]
            assert len(pids) > 1
            for pid in pids:
                status = dict(re.findall(r"^(\w+):\s*(\S+)", await _read(pid, "status"), re.MULTILINE))
                assert status["NoNewPrivs"] == "1"
                assert status["CapEff"] == status["CapBnd"] == "0" * 16
                assert status["Seccomp"] == "2"
                assert os.geteuid() != 0 or status["Uid"] == str(USER)
                mounts = {
                    line.split()[4]: line.split()[5] for line in (await _read(pid, "mountinfo")).splitlines()
                }
                assert mounts["/"].startswith("ro")
                assert mounts["/home"].startswith("ro")
                assert mounts["/tmp"].startswith("rw")
            homes = {re.findall(r"\0HOME=(.*?)\0", await _read(pid, "environ"))[0] for pid in pids[1:]}
            assert all(home.startswith("/tmp/ccproxy-trio-") for home in homes)
        assert list(manager.rest()[0]) == ["STOPPING", "STATUS"]


async def _read(pid: int, name: str) -> str:
    return await trio.Path(f"/proc/{pid}/{name}").read_text()
