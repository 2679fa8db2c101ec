"""Without keys no other machine is let in, however the server is started; and the start says who may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from ccproxy_trio.settings import hash_key, new_key
from tests.serve.running import IN_PROCESS, SERVE, Scratch, open_server, run_to_end
from tests.serve.test_start import write_slow_cli
from tests.server.http_client import fetch
from tests.server.proxy import body_of

if TYPE_CHECKING:
    from pathlib import Path

KEY, OLD = new_key(), new_key()
KEYS = f"""
[server.keys.ada]
hash = "{hash_key(KEY)}"
[server.keys.bob]
hash = "{hash_key(OLD)}"
expires = 2020-01-01
"""
ANYONE = "  WARNING whoever reaches this server may use it (server.allow_anyone)"
OWN_USE = (
    "  WARNING the CLI's own login is for its owner's own use; "
    "where others can reach this server, it wants an API key"
)


def told(printed: str) -> list[str]:
    """What a start block says of those who may call."""
    return [line for line in printed.splitlines() if line.startswith(("  keys ", "  WARNING "))]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
async def test_without_keys_it_listens_on_loopback_only(host: str, scratch: Scratch) -> None:
    assert await run_to_end([*SERVE.command(), "--host", host], scratch) == (
        2,
        "",
        f"ccproxy-trio: will not listen on {host}: other machines could reach it, and there is no key to tell "
        "who may call.\n"
        "  Make one with `ccproxy-trio keys new`, and put its hash into the settings (server.keys);\n"
        "  or listen for this machine only (--host 127.0.0.1);\n"
        "  or, if something else keeps strangers away, serve whoever comes: --allow-anyone\n",
    )


async def test_a_name_of_loopback_needs_no_keys(scratch: Scratch) -> None:
    async with open_server(SERVE, scratch, [*SERVE.command(), "--host", "localhost"]) as server:
        assert told(server.stdout.value) == [
            "  keys    none: programs of this machine may call, and no others"
        ]


async def test_with_keys_it_listens_anywhere_for_those_who_have_one(scratch: Scratch) -> None:
    (scratch.working / "ccproxy.toml").write_text(KEYS)
    async with open_server(SERVE, scratch, [*SERVE.command(), "--host", "0.0.0.0"]) as server:
        assert told(server.stdout.value) == ["  keys    2, 1 of them expired"]
        for key, status in ((KEY, 200), (OLD, 401), ("", 401)):
            headers = {"x-api-key": key, "host": "ai.example.com"}
            reply = await fetch(server.port, "/v1/messages", body_of("hello"), headers=headers)
            assert reply.status == status
        for path in ("/healthz", "/readyz"):
            assert (await server.get(path)).status == 200
        assert (await server.get("/pool/stats")).status == 401
    printed = server.stdout.value + server.stderr.value
    assert not any(secret in printed for secret in (KEY, OLD, hash_key(KEY)[7:], hash_key(OLD)[7:]))


async def test_anyone_may_be_allowed_with_a_warning(scratch: Scratch) -> None:
    flags = [*SERVE.command(), "--host", "0.0.0.0", "--allow-anyone"]
    async with open_server(SERVE, scratch, flags) as server:
        assert told(server.stdout.value) == ["  keys    none", ANYONE]
        assert (await server.ask("hello")).text == "Demo echo: hello"


@pytest.mark.parametrize(
    ("variables", "flags", "expected"),
    [
        ({}, ["--allow-anyone", "--host", "0.0.0.0"], [ANYONE, OWN_USE]),
        ({"ANTHROPIC_API_KEY": "dummy"}, ["--allow-anyone", "--host", "0.0.0.0"], [ANYONE]),
        ({}, ["--allow-anyone"], []),
    ],
    ids=["login", "API key", "loopback"],
)
async def test_a_login_beyond_loopback_is_warned_of(
    variables: dict[str, str], flags: list[str], expected: list[str], scratch: Scratch, tmp_path: Path
) -> None:
    cli = tmp_path / "claude"
    write_slow_cli(cli, tmp_path)
    scratch = evolve(scratch, variables={"CLAUDE__CLI_PATH": str(cli), **variables})
    async with open_server(SERVE, scratch, [*SERVE.command(), *flags]) as server:
        assert told(server.stdout.value)[1:] == expected


async def test_under_hypercorn_the_application_keeps_the_door(scratch: Scratch, tmp_path: Path) -> None:
    command = IN_PROCESS.command()
    command[command.index("127.0.0.1:0")] = "0.0.0.0:0"
    async with open_server(IN_PROCESS, scratch, command) as server:
        assert told(server.stdout.value) == [
            "  keys    none: programs of this machine may call, and no others"
        ]
        assert (await server.ask("hello")).text == "Demo echo: hello"
        rebound = await fetch(server.port, "/v1/messages", body_of("x"), headers={"host": "evil.example"})
        assert rebound.status == 403
    cli = tmp_path / "claude"
    write_slow_cli(cli, tmp_path)
    (scratch.working / "ccproxy.toml").write_text(KEYS)
    scratch = evolve(scratch, variables={"CLAUDE__CLI_PATH": str(cli), "POOL_SETTINGS__MIN_SIZE": "0"})
    async with open_server(IN_PROCESS, scratch, command) as server:
        assert told(server.stdout.value) == ["  keys    2, 1 of them expired", OWN_USE]
        assert (await server.ask("hello")).status == 401
