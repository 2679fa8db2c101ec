"""What a start tells, and that it does not wait for the instances."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from ccproxy_trio import __version__
from ccproxy_trio.claude.demo import command
from ccproxy_trio.claude.demo.session import VERSION
from tests.serve.running import IN_PROCESS, SERVE, Scratch, Server, Way, open_server

if TYPE_CHECKING:
    from pathlib import Path

SLOW_CLI = """#!/bin/sh
case "$*" in *--version) ;; *) while [ ! -e {gate} ]; do sleep 0.02; done ;; esac
exec {command} "$@"
"""


def write_slow_cli(path: Path, gate: Path) -> None:
    """A CLI that starts only when `gate` is there; behind it is the stand-in."""
    path.write_text(SLOW_CLI.format(gate=gate, command=" ".join(command())))
    path.chmod(0o700)


NO_KEYS = "  keys    none: programs of this machine may call, and no others"


def start_block(server: Server, *lines: str) -> str:
    """What the start of all its pools is to print."""
    address = (
        f"http://127.0.0.1:{server.port}" if server.way == SERVE else "the addresses that hypercorn names"
    )
    return server.way.pools * "\n".join([f"ccproxy-trio {__version__} listens on {address}", *lines, ""])


async def test_it_listens_before_it_is_warm(way: Way, scratch: Scratch, tmp_path: Path) -> None:
    cli, gate = tmp_path / "claude", tmp_path / "gate"
    write_slow_cli(cli, gate)
    scratch = evolve(scratch, variables={"CLAUDE__CLI_PATH": str(cli)})
    async with open_server(way, scratch) as server, server.stream("I am early") as early:
        assert server.stdout.value == start_block(
            server,
            f"  claude  {cli} {VERSION}",
            "  login   the CLI's own login",
            "  pool    2 to 10 instances",
            NO_KEYS,
            "  config  none found; defaults, environment and flags",
        )
        assert (await server.get("/healthz")).status == 200
        stats = (await server.get("/pool/stats")).json["stats"]
        assert (stats["available_connections"], stats["connections_created"]) == (0, 0)
        gate.touch()
        assert (await early.read()).text == "Demo echo: I am early"


@pytest.mark.parametrize(
    ("variables", "login"),
    [
        ({"ANTHROPIC_API_KEY": "dummy"}, "API key from ANTHROPIC_API_KEY"),
        ({"ANTHROPIC_API_KEY": "dummy", "CLAUDE__AUTH": "login"}, "the CLI's own login"),
    ],
)
async def test_it_names_login_sizes_and_file(
    variables: dict[str, str], login: str, scratch: Scratch, tmp_path: Path
) -> None:
    cli, settings = tmp_path / "claude", scratch.working / "ccproxy.toml"
    write_slow_cli(cli, tmp_path)
    settings.write_text(f"[claude]\ncli_path = '{cli}'\n[pool_settings]\nmin_size = 0\nmax_size = 3\n")
    async with open_server(SERVE, evolve(scratch, variables=variables)) as server:
        assert server.stdout.value == start_block(
            server,
            f"  claude  {cli} {VERSION}",
            f"  login   {login}",
            "  pool    0 to 3 instances",
            NO_KEYS,
            f"  config  {settings}",
        )


IGNORING = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("way", [SERVE, IN_PROCESS], ids=str)
async def test_by_a_parent_that_ignores_its_children(way: Way, scratch: Scratch) -> None:
    """That is inherited. The kernel then lets nobody know how a child has ended, nor wait for it."""
    command = [sys.executable, "-c", IGNORING, *way.command()]
    async with open_server(way, scratch, command) as server:
        assert (await server.ask("hello")).text == "Demo echo: hello"


async def test_the_demo_says_that_it_is_one_and_the_address_stands_there_once(scratch: Scratch) -> None:
    flags = [*SERVE.command(), "--no-pool", "--demo"]
    async with open_server(SERVE, evolve(scratch, variables={}), flags) as server:
        assert server.stdout.value == start_block(
            server,
            "  claude  DEMO: answers are echoes of a stand-in for the CLI",
            "  pool    off, 10 at once",
            NO_KEYS,
            "  config  none found; defaults, environment and flags",
        )
        answer = await server.ask("hello")
        assert (answer.text, answer.headers["x-ccproxy-demo"]) == ("Demo echo: hello", "true")
    assert "Running on" not in server.stderr.value
