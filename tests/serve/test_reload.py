"""SIGHUP, and another CLI on disk, while streams are under way: what is new counts, and no stream is cut."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from attrs import evolve

from ccproxy_trio.claude.demo import command
from ccproxy_trio.settings import hash_key, new_key
from tests.child_processes import children_of
from tests.claude.instances import cli_that_says, starts
from tests.serve.running import IN_PROCESS, SERVE, TWO_WORKERS, Scratch, Server, Way, open_server
from tests.server.http_client import PATIENCE, fetch, open_exchange
from tests.server.proxy import body_of

if TYPE_CHECKING:
    from tests.server.http_client import Reply

HUP = signal.SIGHUP
AGAIN = "read the settings again"
WARNINGS = "[[deltas=30; gap=0.05]] on and on"
LONG = "x" * 12_000_000
"""Its echo is more than the kernel takes in for a client that does not read: the stream ends when that reads on."""
ADA, BOB = new_key(), new_key()


def key(name: str, secret: str) -> str:
    return f'[server.keys.{name}]\nhash = "{hash_key(secret)}"\n'


def write(scratch: Scratch, text: str) -> Path:
    """Put a file of settings in place, as editors do."""
    fresh = scratch.working / "new"
    fresh.write_text(text)
    return fresh.replace(scratch.working / "ccproxy.toml")


async def reload(server: Server, said: str = AGAIN) -> str:
    """Send SIGHUP, and wait for what the server says then; what it has printed since."""
    before = len(server.stderr.value)
    server.send_signal(HUP)
    with trio.fail_after(PATIENCE):
        await server.stderr.wait_value(lambda text: said in text[before:] and text.endswith("\n"))
    printed: str = server.stderr.value[before:]
    return printed


async def ask(server: Server, secret: str) -> Reply:
    return await fetch(server.port, "/v1/messages", body_of("hello"), headers={"x-api-key": secret})


async def test_what_is_new_counts_and_what_is_under_way_goes_on(scratch: Scratch) -> None:
    write(scratch, "[pool_settings]\nmax_size = 3\n")
    async with (
        open_server(SERVE, scratch) as server,
        server.stream(WARNINGS) as stream,
    ):
        await stream.until("content_block_delta")
        write(
            scratch,
            f"[pool_settings]\nmax_size = 5\n[server]\nwrite_timeout = 7.0\nmax_body_size = 1000\n{key('ada', ADA)}"
            f"{key('bob', BOB)}",
        )
        said = await reload(server, "needs a restart: server.write_timeout\n")
        changed = "pool_settings.max_size, server.max_body_size, server.keys (added ada, added bob)"
        assert f"{AGAIN} ({scratch.working / 'ccproxy.toml'}); changed: {changed}\n" in said
        assert (await ask(server, "")).status == 401
        assert [(await ask(server, secret)).status for secret in (ADA, BOB)] == [200, 200]
        large = await fetch(server.port, "/v1/messages", body_of("x" * 2000), headers={"x-api-key": ADA})
        assert large.status == 413
        stats = await fetch(server.port, "/pool/stats", method="GET", headers={"x-api-key": BOB})
        assert stats.json["pool"]["max_size"] == 5
        async with open_exchange(
            server.port, "/v1/messages", body_of(WARNINGS, stream=True), headers={"x-api-key": BOB}
        ) as revoked:
            await revoked.until("content_block_delta")
            write(scratch, key("ada", ADA))
            assert "removed bob" in await reload(server)
            assert [(await ask(server, secret)).status for secret in (ADA, BOB)] == [200, 401]
            assert b"event: message_stop\n" in (await revoked.read()).body
        assert b"event: message_stop\n" in (await stream.read()).body
    printed = server.stdout.value + server.stderr.value
    assert not any(secret in printed for secret in (ADA, BOB, hash_key(ADA)[7:], hash_key(BOB)[7:]))


async def test_what_cannot_be_used_changes_nothing_and_is_told_whole(
    scratch: Scratch, tmp_path: Path
) -> None:
    scratch = evolve(scratch, variables={})
    named = write(scratch, f"[claude]\ndemo = true\n{key('ada', ADA)}")
    command = [*SERVE.command(), "--config", "ccproxy.toml"]
    async with open_server(SERVE, scratch, command) as server:
        bad = "[server]\nmax_body_size = 0\n[pool_settings]\nmin_size = 'two'\nmax_sise = 3\n"
        for text, problems in (
            (
                bad,
                ["server.max_body_size: found 0", "pool_settings.min_size: found", "did you mean max_size?"],
            ),
            ("[server", ["not TOML"]),
            (
                f"[claude]\ndemo = false\ncli_path = '{tmp_path / 'none'}'\n",
                ["claude.cli_path names", "No such file"],
            ),
        ):
            write(scratch, text)
            said = await reload(server, "nothing has changed")
            assert all(problem in said for problem in problems), said
        named.unlink()
        assert "flag --config: ccproxy.toml: cannot be read: No such file" in await reload(
            server, "No such file"
        )
        assert [(await ask(server, secret)).status for secret in (ADA, "")] == [200, 401]
        assert AGAIN not in server.stderr.value


async def test_keys_must_not_all_go_while_others_can_reach_it(scratch: Scratch) -> None:
    write(scratch, key("ada", ADA))
    async with open_server(SERVE, scratch, [*SERVE.command(), "--host", "0.0.0.0"]) as server:
        write(scratch, "")
        assert "server.keys: found no key" in await reload(server, "nothing has changed")
        (scratch.working / "ccproxy.toml").unlink()
        assert "it is gone, and there is no other" in await reload(server, "nothing has changed")
        assert [(await ask(server, secret)).status for secret in (ADA, "")] == [200, 401]


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    """Two CLIs in folders of their own, each of which writes down how often it is started; of two versions."""
    for name, version in (("old", b"2.1.331"), ("new", b"9.0.0")):
        (tmp_path / name).mkdir()
        cli_that_says(tmp_path / name, b"2.1.330", version)
    return tmp_path / "old" / "claude", tmp_path / "new" / "claude"


async def until_replaced(server: Server, new: Path) -> None:
    """Ask, in vain never, until the instances are those of `new`."""
    with trio.fail_after(PATIENCE):
        while not (new.with_name("starts").exists() and starts(new.parent).count(STARTED) >= 2):
            assert (await server.ask("hello")).status == 200


STARTED = "key=dummy url=None"
"""How a start is written down that is no trial."""


async def test_another_cli_takes_over(scratch: Scratch, copies: tuple[Path, Path]) -> None:
    old, new = copies
    scratch = evolve(scratch, variables={"POOL_SETTINGS__MIN_SIZE": "2", "ANTHROPIC_API_KEY": "dummy"})
    write(scratch, f"[claude]\ncli_path = '{old}'\n")
    async with open_server(SERVE, scratch) as server, server.stream(LONG, receive_buffer=4096) as stream:
        await stream.until("content_block_delta")
        whole = new.read_bytes()
        new.write_bytes(whole[:300])
        write(scratch, f"[claude]\ncli_path = '{new}'\n")
        said = await reload(server, f"{new} does not work: the claude process exited")
        assert "nothing has changed" in said
        new.write_bytes(whole)
        said = await reload(server)
        assert f"instances are started from {new} 9.0.0 now" in said
        assert "changed: claude.cli_path\n" in said
        await until_replaced(server, new)
        assert any(runs(pid, old) for pid in scratch.instances)  # for the stream
        assert b"event: message_stop\n" in (await stream.read()).body
        await scratch.until(lambda: not any(runs(pid, old) for pid in scratch.instances))
        assert (await server.ask("hello")).text == "Demo echo: hello"
    assert starts(old.parent).count(STARTED) == 2


def runs(pid: int, program: Path) -> bool:
    """Whether a process is one of this program's."""
    try:
        return bytes(program) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it is gone
        return False


async def test_another_file_on_disk_takes_over_when_it_works(
    scratch: Scratch, copies: tuple[Path, Path]
) -> None:
    old, new = copies
    variables = {
        "CLAUDE__CLI_PATH": str(old),
        "CLAUDE__UPDATE_INTERVAL": "0.2",
        "POOL_SETTINGS__MIN_SIZE": "2",
        "ANTHROPIC_API_KEY": "dummy",
    }
    async with (
        open_server(SERVE, evolve(scratch, variables=variables)) as server,
        server.stream(WARNINGS) as stream,
    ):
        await stream.until("content_block_delta")
        half = old.with_name("half")
        half.write_bytes(new.read_bytes()[:300])
        half.chmod(0o755)
        half.replace(old)
        with trio.fail_after(PATIENCE):
            await server.stderr.wait_value(lambda text: "the claude CLI has changed, and instances" in text)
        assert (await server.ask("hello")).status == 200
        new.replace(old)
        await until_replaced(server, new)
        await server.stderr.wait_value(lambda text: f"instances are started from {old} 9.0.0 now" in text)
        assert b"event: message_stop\n" in (await stream.read()).body
    assert server.stderr.value.count("the claude CLI has changed") == 1


@pytest.mark.parametrize("way", [IN_PROCESS, TWO_WORKERS], ids=str)
async def test_under_hypercorn_each_process_is_told(way: Way, scratch: Scratch) -> None:
    write(scratch, key("ada", ADA))
    async with open_server(way, scratch) as server:
        write(scratch, f"[server]\nport = 7\n{key('bob', BOB)}")
        for pid in workers(server) if way.workers else [server.process.pid]:
            os.kill(pid, HUP)
        await server.stderr.wait_value(
            lambda text: text.count("needs a restart: server.port") == server.way.pools
        )
        for _ in range(4):
            assert [(await ask(server, secret)).status for secret in (ADA, BOB)] == [401, 200]


def workers(server: Server) -> list[int]:
    """The processes that serve, below hypercorn's own."""
    return [pid for pid in children_of(server.process.pid) if runs(pid, Path("spawn_main"))]


@pytest.mark.parametrize("way", [SERVE, IN_PROCESS], ids=str)
async def test_one_that_comes_before_there_is_a_server_is_heeded_when_there_is(
    way: Way, scratch: Scratch, tmp_path: Path
) -> None:
    cli = tmp_path / "claude"
    # The server asks for its version after it has read its settings.
    change = "printf '[server]\\nwrite_timeout = 7.0\\n' > ccproxy.toml; kill -HUP $PPID"
    cli.write_text(f'#!/bin/sh\n[ "$1" = --version ] && {{ {change}; }}\nexec {" ".join(command())} "$@"\n')
    cli.chmod(0o755)
    async with open_server(way, evolve(scratch, variables={"CLAUDE__CLI_PATH": str(cli)})) as server:
        with trio.fail_after(PATIENCE):
            await server.stderr.wait_value(lambda text: "needs a restart: server.write_timeout\n" in text)
        assert (await server.ask("hello")).text == "Demo echo: hello"


IN_TERMINAL = """
import os, signal, sys
os.open(sys.argv[1], os.O_RDWR)
if sys.argv[2] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.argv[3], sys.argv[3:])
"""


@pytest.mark.parametrize("how", ["plainly", "nohup"])
async def test_who_lives_in_a_terminal_ends_with_it(how: str, scratch: Scratch) -> None:
    terminal, inside = os.openpty()
    command = [sys.executable, "-c", IN_TERMINAL, os.ttyname(inside), how, *SERVE.command()]
    async with open_server(SERVE, scratch, command) as server, server.stream(WARNINGS) as stream:
        await stream.until("content_block_delta")
        assert AGAIN in await reload(server)
        os.close(inside)
        os.close(terminal)
        if how == "nohup":
            await server.stderr.wait_value(lambda text: text.count(AGAIN) == 2)
            assert (await server.ask("hello")).status == 200
        else:
            await server.stderr.wait_value(lambda text: "stopping; requests under way" in text)
            assert b"event: message_stop\n" in (await stream.read()).body
            assert await server.wait() == 0
