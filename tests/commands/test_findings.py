"""What `doctor` finds without starting an instance, and what single checks make of what they are given."""

from __future__ import annotations

import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio

from ccproxy_trio.claude.errors import CliUnusable, InstanceSilent, TurnFailed
from ccproxy_trio.dialects.failures import Failure
from ccproxy_trio.doctor._instance import check_probe, check_turn
from ccproxy_trio.doctor._limits import check_files, check_memory, read_available_memory, read_memory
from ccproxy_trio.doctor._program import check_binary, check_upstream
from ccproxy_trio.settings import ClaudeSettings, PoolSettings, ServerSettings, Settings
from tests.commands.conftest import invoke
from tests.commands.test_doctor import CHECKS, DOCTOR, states, write_script
from tests.serve.running import SERVE, open_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ccproxy_trio.claude.instance import Instance
    from ccproxy_trio.claude_pool import ClaudePool
    from tests.serve.running import Scratch

NO_CLI = ("doctor", "--cli-path=/nowhere/claude")
GIB = 2**30


def find(*arguments: str) -> dict[str, Any]:
    """Run it where nothing is started; the findings by check."""
    result = invoke(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    return {finding["check"]: finding for finding in json.loads(result.stdout)["findings"]}


@pytest.mark.usefixtures("alone")
def test_without_a_cli() -> None:
    findings = find(*NO_CLI, "--auth=environment", "--port=0")
    assert list(findings) == CHECKS
    skipped = dict.fromkeys(("version", "start", "probe", "turn"), "skipped")
    assert states(findings) == {"binary": "failed", "authentication": "failed", **skipped}
    assert findings["binary"]["text"] == "claude.cli_path names /nowhere/claude: No such file or directory."
    assert findings["binary"]["remedy"].startswith(
        "Install it: pip install 'ccproxy-trio[cli]', or npm install "
    )
    assert findings["authentication"]["remedy"].startswith("Set ANTHROPIC_API_KEY, ")
    assert findings["memory"]["details"]["measured"] is False


@pytest.mark.usefixtures("alone")
def test_people_get_a_line_each_and_what_to_do() -> None:
    result = invoke(*NO_CLI, "--port=0")
    assert result.exit_code == 1
    problem = "FAILED   binary          claude.cli_path names /nowhere/claude: No such file or directory."
    assert f"{problem}\n{'':25}Install it: " in result.stdout
    assert result.stdout.endswith("\n\n1 of 11 checks failed.\n")


def test_where_none_is_found_it_says_where_it_looked() -> None:
    finding = check_binary(CliUnusable("no `claude` was found on PATH"))
    assert (finding.state, finding.text) == ("failed", "no `claude` was found on PATH.")
    assert "serve --demo" in finding.remedy


def test_a_cli_that_is_too_old(alone: Path) -> None:
    finding = find("doctor", f"--cli-path={write_script(alone, 'echo 1.0.0')}")["binary"]
    assert (finding["state"], finding["text"]) == (
        "failed",
        f"{alone}/claude is version 1.0.0; 2.1.248 or later is needed.",
    )


@pytest.mark.usefixtures("alone")
def test_settings_that_cannot_be_used() -> None:
    findings = find("doctor", "--port=http", "--grace=-1")
    assert list(findings) == ["settings"]
    assert findings["settings"]["text"] == "2 problems with the settings"
    assert findings["settings"]["remedy"].startswith('flag --port: found "http"; allowed: ')


@pytest.mark.usefixtures("alone")
def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finding = find(*NO_CLI, f"--port={port}")["port"]
    assert finding["state"] == "failed"
    assert finding["text"] == f"cannot listen on 127.0.0.1 port {port}: Address already in use."
    assert finding["remedy"].startswith("End the program that uses it, or choose another with --port")


async def test_a_port_of_ones_own_server(scratch: Scratch) -> None:
    async with open_server(SERVE, scratch) as server:
        port = server.port
        done = await trio.run_process(
            [*DOCTOR, "--no-demo", "--cli-path=/nowhere", f"--port={port}", "--json"],
            capture_stdout=True,
            check=False,
            env=scratch.environment,
            cwd=scratch.working,
        )
    finding = json.loads(done.stdout)["findings"][-1]
    assert finding["state"] == "warning"
    assert finding["text"].endswith("is in use, by a ccproxy-trio that runs and answers")


@pytest.mark.usefixtures("alone")
def test_an_address_that_others_reach_needs_keys() -> None:
    finding = find(*NO_CLI, "--host=0.0.0.0", "--port=0")["port"]
    assert finding["state"] == "failed"
    assert finding["text"].startswith("will not listen on 0.0.0.0: other machines could reach it")
    assert finding["remedy"].startswith("Make one with `ccproxy-trio keys new`")


@pytest.mark.parametrize(
    ("limit", "state"), [(293, "failed"), (294, "warning"), (2283, "warning"), (2284, "ok"), (None, "ok")]
)
def test_limits_on_files(limit: int | None, state: str) -> None:
    finding = check_files(Settings(), limit)
    assert finding.state == state
    assert ("LimitNOFILE=2284" in finding.remedy) is (state != "ok")


@pytest.mark.parametrize(
    ("available", "each", "state", "remedy"),
    [
        (2 * GIB, None, "ok", ""),
        (GIB, None, "failed", "Lower pool_settings.max_size to 5, or free memory"),
        (GIB, GIB // 10, "ok", ""),
        (GIB, 2 * GIB, "failed", "Free memory"),
        (None, None, "skipped", ""),
    ],
)
def test_limits_on_memory(available: int | None, each: int | None, state: str, remedy: str) -> None:
    settings = Settings(pool_settings=PoolSettings(max_size=10))
    finding = check_memory(settings, available, each)
    assert (finding.state, finding.remedy) == (state, remedy)


def test_memory_is_what_the_tightest_of_all_leaves(tmp_path: Path) -> None:
    def write(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    assert read_available_memory(tmp_path) is None
    write("proc/meminfo", "MemTotal: 900 kB\nMemAvailable:     500 kB\n")
    assert read_available_memory(tmp_path) == 500 * 1024
    write("proc/self/cgroup", "1:name=systemd:/x\n0::/a/b\n")
    for group, limit in (("a/b", "max"), ("a", "300000"), ("", "400000")):
        write(f"sys/fs/cgroup/{group}/memory.max", f"{limit}\n")
        write(f"sys/fs/cgroup/{group}/memory.current", "200000\n")
        write(f"sys/fs/cgroup/{group}/memory.stat", "anon 7\ninactive_file 50000\n")
    assert read_available_memory(tmp_path) == 150000
    write("sys/fs/cgroup/a/memory.current", "900000\n")
    assert read_available_memory(tmp_path) == 0
    assert read_memory(1, tmp_path) is None


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://127.0.0.1:8000", "leads to this very server"),
        ("http://localhost:8000/v1", "leads to this very server"),
        ("http://127.0.0.1:8001", "127.0.0.1 (ANTHROPIC_BASE_URL)"),
        ("https://user:SECRET@proxy.example/x?key=SECRET", "proxy.example (ANTHROPIC_BASE_URL)"),
        ("http://[::1", "something that is no URL"),
        ("", "the CLI's own place"),
    ],
)
def test_upstream(url: str, text: str) -> None:
    finding = check_upstream(ClaudeSettings(), ServerSettings(), {"ANTHROPIC_BASE_URL": url})
    assert text in finding.text
    assert finding.state == ("failed" if "very" in text else "ok")
    assert "SECRET" not in str(finding)


def test_a_cli_that_does_not_forget() -> None:
    finding = check_probe(cast("Instance", type("Fake", (), {"reusable": False})))
    assert (finding.state, bool(finding.remedy)) == ("warning", True)


@pytest.mark.parametrize(
    ("error", "text", "remedy"),
    [
        (
            TurnFailed(Failure(401, "invalid x-api-key")),
            "401: invalid x-api-key",
            "The credential is not taken",
        ),
        (TurnFailed(Failure(404, "model: x")), "404: model: x", "claude.default_model names a model"),
        (
            TurnFailed(Failure(502, "Connection error.")),
            "502: Connection error.",
            "Look at the way to the API",
        ),
        (InstanceSilent("answer", 9), "gave no answer within 9 s", "Look at the way to the API"),
    ],
)
async def test_a_turn_that_fails(error: Exception, text: str, remedy: str) -> None:
    class Failing:
        @asynccontextmanager
        async def stream(self, request: object) -> AsyncIterator[None]:
            raise error
            yield

    finding = await check_turn(cast("ClaudePool", Failing()), "sonnet")
    assert finding.state == "failed"
    assert text in finding.text
    assert finding.remedy.startswith(remedy)
