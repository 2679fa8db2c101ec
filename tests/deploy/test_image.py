"""The image without Docker: its wheel is built and installed by its own commands, and its server runs as it says.

With CCPROXY_IMAGE=whole all that the wheel needs is installed from the package index, too, the CLI among it.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.settings import Settings
from tests.deploy.image import (
    DOCKERFILE,
    build,
    command,
    health_check,
    in_container,
    is_ignored,
    last_stage,
    read_stages,
    variables,
)
from tests.serve.running import SERVE, Scratch, open_server, run_to_end

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = os.environ.get("CCPROXY_IMAGE") == "whole"


@pytest.fixture(scope="module")
def opt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the last stage copies, in the folder that is /opt there."""
    folder = tmp_path_factory.mktemp("opt")
    folder.chmod(0o755)
    build(folder, alone=WHOLE)
    return folder


def test_its_rules() -> None:
    assert last_stage("USER") == "10001:10001"
    for stage in read_stages():
        assert re.match(r"python:3\.\d+\.\d+-slim-\w+( AS \w+)?$", stage[0][1])
        for name, rest in stage:
            assert name != "ADD"
            assert not re.search(r"(?i)secret|api_key|token|password", rest), rest
    stop = re.search(r"--stop-timeout (\d+)", DOCKERFILE.read_text())
    assert stop is not None
    assert int(stop[1]) > Settings().server.grace + 5


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("ccproxy_trio/serve.py", False),
        ("pyproject.toml", False),
        ("ccproxy.toml", False),
        ("ccproxy_trio/__pycache__/serve.pyc", True),
        (".git/config", True),
        (".ccproxy.toml", True),
        (".env", True),
        ("credentials", True),
        ("tests/conftest.py", True),
    ],
)
def test_what_the_builder_sees(path: str, ignored: bool) -> None:
    assert is_ignored(path) == ignored


@pytest.mark.timeout(300)  # pip builds and installs
async def test_it_serves_and_is_found_healthy(opt: Path, tmp_path: Path) -> None:
    assert command()[-1] == "serve"
    given = {**variables(), "SERVER__PORT": "0", "CLAUDE__DEMO": "true"}
    status, _, stderr = await run_to_end(in_container(opt, command()), Scratch(tmp_path, given))
    assert (status, stderr.partition(":")[0]) == (2, "ccproxy-trio"), stderr
    assert "--allow-anyone" in stderr

    given["SERVER__ALLOW_ANYONE"] = "true"
    async with open_server(SERVE, Scratch(tmp_path, given), in_container(opt, command())) as server:
        assert (await server.ask("hello")).text == "Demo echo: hello"
        executed = await trio.Path(f"/proc/{server.process.pid}/cmdline").read_text()
        assert executed.startswith("/opt/ccproxy-trio/bin/python")
        if WHOLE:
            assert "(Claude Code)" in find_cli(opt)
        healthy = Scratch(tmp_path, {**given, "SERVER__PORT": str(server.port)})
        assert (await run_to_end_beside(in_container(opt, health_check()), healthy)) == 0
    assert (await run_to_end_beside(in_container(opt, health_check()), healthy)) == 1


async def run_to_end_beside(argv: list[str], scratch: Scratch) -> int:
    """The exit status of a command that runs while a server does."""
    done = await trio.run_process(argv, check=False, capture_stderr=True, env=scratch.environment)
    return done.returncode


def find_cli(opt: Path) -> str:
    """What the CLI says of itself that was installed."""
    (binary,) = opt.glob("ccproxy-trio/lib/python3*/site-packages/claude_agent_sdk/_bundled/claude")
    return subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
