"""What a start tells, and that it does not wait for the instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from ccproxy_trio import __version__
from ccproxy_trio.claude.demo import command
from ccproxy_trio.claude.demo.session import VERSION
from tests.serve.running import SERVE, Scratch, Way, open_server

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


async def test_it_listens_before_it_is_warm(way: Way, scratch: Scratch, tmp_path: Path) -> None:
    cli, gate = tmp_path / "claude", tmp_path / "gate"
    write_slow_cli(cli, gate)
    scratch = evolve(
        scratch, variables={**scratch.variables, "CLAUDE__DEMO": "0", "CLAUDE__CLI_PATH": str(cli)}
    )
    async with open_server(way, scratch) as server, server.stream("I am early") as early:
        assert (await server.get("/healthz")).status == 200
        stats = (await server.get("/pool/stats")).json["stats"]
        assert (stats["available_connections"], stats["connections_created"]) == (0, 0)
        gate.touch()
        assert (await early.read()).text == "Demo echo: I am early"


def block(address: str, *lines: str) -> str:
    return "\n".join([f"ccproxy-trio {__version__} listens on {address}", *lines, ""])


async def test_the_start_block(way: Way, scratch: Scratch) -> None:
    scratch = evolve(scratch, variables={"CLAUDE__DEMO": "true"})
    async with open_server(way, scratch) as server:
        address = f"http://127.0.0.1:{server.port}" if way == SERVE else "the addresses that hypercorn names"
        assert server.stdout.value == way.pools * block(
            address,
            "  claude  DEMO: answers are echoes of a stand-in for the CLI",
            "  pool    2 to 10 instances",
            "  config  none found; defaults, environment and flags",
        )


@pytest.mark.parametrize(
    ("variables", "login"),
    [
        ({}, "the CLI's own login"),
        ({"ANTHROPIC_API_KEY": "dummy"}, "API key from ANTHROPIC_API_KEY"),
        ({"ANTHROPIC_API_KEY": "dummy", "CLAUDE__AUTH": "login"}, "the CLI's own login"),
    ],
)
async def test_the_start_block_names_cli_login_sizes_and_file(
    variables: dict[str, str], login: str, scratch: Scratch, tmp_path: Path
) -> None:
    cli, settings = tmp_path / "claude", scratch.working / "ccproxy.toml"
    write_slow_cli(cli, tmp_path)
    settings.write_text(f"[claude]\ncli_path = '{cli}'\n[pool_settings]\nmin_size = 0\nmax_size = 3\n")
    async with open_server(SERVE, evolve(scratch, variables=variables)) as server:
        assert server.stdout.value == block(
            f"http://127.0.0.1:{server.port}",
            f"  claude  {cli} {VERSION}",
            f"  login   {login}",
            "  pool    0 to 3 instances",
            f"  config  {settings}",
        )


async def test_without_a_pool(scratch: Scratch) -> None:
    flags = [*SERVE.command(), "--no-pool", "--demo"]
    async with open_server(SERVE, evolve(scratch, variables={}), flags) as server:
        assert "\n  pool    off, 10 at once\n" in server.stdout.value
        assert (await server.ask("hello")).text == "Demo echo: hello"


async def test_the_address_is_told_once(scratch: Scratch) -> None:
    async with open_server(SERVE, scratch) as server:
        assert (await server.ask("hello")).text == "Demo echo: hello"
    assert "Running on" not in server.stderr.value
