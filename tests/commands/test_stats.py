"""`stats` beside a running server, on a terminal and not, and beside what is none."""

from __future__ import annotations

import signal
import sys
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from attrs import evolve

from ccproxy_trio.settings import hash_key, new_key
from ccproxy_trio.watch import Place, fetch
from ccproxy_trio.watch._fetch import Unreachable
from ccproxy_trio.watch._table import Snapshot, draw
from tests.commands.conftest import invoke
from tests.commands.screen import open_session
from tests.serve.running import SERVE, Scratch, open_server, run_to_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STATS = [sys.executable, "-m", "ccproxy_trio", "stats"]
KEY = new_key()


async def run_stats(scratch: Scratch, *flags: str, **variables: str) -> tuple[int, str, str]:
    """Beside a server, whose processes are none of this command's."""
    with trio.fail_after(30):
        done = await trio.run_process(
            [*STATS, *flags],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env={**scratch.environment, **variables},
            cwd=scratch.working,
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_beside_a_server(scratch: Scratch) -> None:
    scratch = evolve(scratch, variables={**scratch.variables, "POOL_SETTINGS__MAX_SIZE": "1"})
    async with open_server(SERVE, scratch) as server:
        for _ in range(2):
            assert (await server.ask("hello")).status == 200
        with trio.fail_after(30):
            while not (await server.get("/pool/stats")).json["stats"]["available_connections"]:  # noqa: ASYNC110 -- no event tells
                await trio.sleep(0.01)
        await show_once(scratch, server.port)
        await leave_while_it_watches(scratch, server.port)
        await watch_in_a_small_terminal(scratch, server.port)


async def show_once(scratch: Scratch, port: int) -> None:
    """A plain table, as the output is no terminal."""
    status, printed, said = await run_stats(scratch, f"--port={port}")
    assert (status, said) == (0, "")
    lines = printed.splitlines()
    assert lines[0].startswith(f"http://127.0.0.1:{port}   ")
    assert lines[2] == "instances  1 of 1 at most, 1 kept   [=]"
    assert lines[3] == "  idle 1  in use 0  starting 0  checking 0  resetting 0  retiring 0  (fresh 0)"
    rows = {line[:32].strip(): line[32:].split() for line in lines[7:14]}
    assert rows["given to requests"] == ["2"]
    assert rows["of these, used before"] == ["1"]
    assert lines[15:17] == ["failed     starts 0  checks 0  clean-ups 0  ends 0", "ended by   nothing yet"]
    assert "\x1b" not in printed


async def leave_while_it_watches(scratch: Scratch, port: int) -> None:
    """A reader that goes away ends it, without a word."""
    script = f"{' '.join(STATS)} --watch --interval 0.1 --port {port} | head -n 1"
    with trio.fail_after(30):
        done = await trio.run_process(
            ["/bin/sh", "-c", script],
            capture_stdout=True,
            capture_stderr=True,
            env=scratch.environment,
            cwd=scratch.working,
        )
    assert done.stdout.startswith(f"http://127.0.0.1:{port}   ".encode())
    assert done.stderr == b""


async def watch_in_a_small_terminal(scratch: Scratch, port: int) -> None:
    """Neither are lines longer than it is wide, nor are there more than it has."""
    watch = [*STATS, "--watch", "--interval=0.1", f"--port={port}"]
    folder = scratch.path.parent
    async with open_session(watch, scratch.environment, folder, width=30, height=6) as session:
        await session.until(lambda text: "instances" in text)
        drawn = session.tables
        # What is read may end within a table.
        await session.until(lambda _: session.tables > drawn + 2 and len(session.screen.lines) == 6)
        session.process.send_signal(signal.SIGINT)
    assert session.process.returncode == 0


async def test_a_live_table_outlives_its_server(scratch: Scratch) -> None:
    async with open_server(SERVE, scratch) as server:
        port = server.port
        watch = [*STATS, "--watch", "--interval=0.1", f"--port={port}"]
        # What is in the server's folder is taken for one of its processes.
        async with open_session(watch, scratch.environment, scratch.path.parent) as session:
            await session.until(
                lambda text: "given to requests                        0           0.0" in text
            )
            assert (await server.ask("hello")).status == 200
            text = await session.until(lambda text: "given to requests                        1 " in text)
            assert text.count("given to requests") == 1
            assert session.screen.coloured
            server.send_signal(signal.SIGTERM)
            assert await server.wait() == 0
            text = await session.until(lambda text: "does not answer" in text)
            assert f"http://127.0.0.1:{port} does not answer: Connection refused; trying again" in text
            assert "what it told last:" in text
            again = evolve(scratch, variables={**scratch.variables, "SERVER__PORT": str(port)})
            command = [sys.executable, "-m", "ccproxy_trio", "serve", "--grace=1"]
            async with open_server(SERVE, again, command):
                text = await session.until(lambda text: "given to requests                        0 " in text)
                assert "does not answer" not in text
                assert len(session.screen.lines) == text.count("\n") + 1 < 25
            session.process.send_signal(signal.SIGINT)
        assert session.process.returncode == 0


async def test_a_server_with_keys(scratch: Scratch) -> None:
    (scratch.working / "ccproxy.toml").write_text(f'[server.keys.ada]\nhash = "{hash_key(KEY)}"\n')
    async with open_server(SERVE, scratch) as server:
        url = f"--url=http://127.0.0.1:{server.port}"
        assert await run_stats(scratch, url, "--watch") == (
            1,
            "",
            f"http://127.0.0.1:{server.port} answers 401: x-api-key header is required\n"
            "  Put a key of this server into $CCPROXY_KEY.\n",
        )
        status, printed, said = await run_stats(scratch, url, CCPROXY_KEY=KEY)
        assert (status, said) == (0, "")
        assert "instances  1 of 10" in printed
        status, printed, said = await run_stats(scratch, url, "--key-env=MINE", MINE=f"{KEY}x")
        assert (status, printed) == (1, "")
        assert "answers 401: invalid x-api-key" in said
        assert KEY not in said


async def test_without_a_server(scratch: Scratch) -> None:
    assert await run_to_end([*STATS, "--url=http://127.0.0.1:9"], scratch) == (
        1,
        "",
        "http://127.0.0.1:9 does not answer: Connection refused\n"
        "  Is it running? Another place is told by --url.\n",
    )


@asynccontextmanager
async def open_stranger(answer: bytes) -> AsyncIterator[str]:
    """Something that gives the same answer to whatever comes; its URL."""

    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


OK = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (OK + b"<html>", "/pool/stats answers 200, and not as ccproxy-trio does"),
        (OK + b"[" * 100_000, "/pool/stats answers 200, and not as ccproxy-trio does"),
        (OK + b"[]", "/pool/stats answers 200, and not as ccproxy-trio does"),
        (OK + b"{}", "the answer has no statistics of a pool"),
        (
            b"HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n",
            "/pool/stats answers 302, and not as ccproxy-trio does",
        ),
        (b"SSH-2.0-x\r\n", " does not answer: what answers does not speak HTTP as it should"),
        (b"", " does not answer: what answers does not speak HTTP as it should"),
        (b'HTTP/1.1 403 F\r\n\r\n{"error": {"message": "a\x1b[2Jb"}}', " answers 403: it does not say why"),
        (b'HTTP/1.1 403 F\r\n\r\n{"error": {"message": "a\\u001b[2Jb"}}', " answers 403: a [2Jb"),
    ],
)
@pytest.mark.usefixtures("alone")
async def test_what_is_no_server_of_ours(answer: bytes, error: str) -> None:
    async with open_stranger(answer) as url:
        result = await trio.to_thread.run_sync(invoke, "stats", f"--url={url}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert error in result.stderr.splitlines()[0]
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nx: ", OK], ids=["head", "body"])
async def test_one_that_speaks_on_and_on(head: bytes) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.send_all(head)
        with suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"x")
                await trio.sleep(0.02)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        place = Place.parse(f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"does not answer: no whole answer came within 0\.2 s"):
            await trio.to_thread.run_sync(partial(fetch, place, "/", timeout=0.2))
        nursery.cancel_scope.cancel()


@pytest.mark.usefixtures("alone")
async def test_numbers_that_are_none_are_left_out() -> None:
    answer = OK + b'{"stats": {"total_connections": "many", "in_use_connections": 3}, "pool": {"retired": 1}}'
    async with open_stranger(answer) as url:
        result = await trio.to_thread.run_sync(invoke, "stats", f"--url={url}")
    assert result.exit_code == 0
    assert "in use 3" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--url=ftp://x"], "the URL of a server begins with http:// or https://, and then names a host"),
        (
            ["--url=localhost:8000"],
            "the URL of a server begins with http:// or https://, and then names a host",
        ),
        (["--url=http://me:SECRET@x"], "the URL of a server has neither a user, nor a query, nor a fragment"),
        (["--url=http://x/a b"], "the URL of a server has no spaces, and letters of ASCII only"),
        (["--url=http://x:99999"], "Port out of range 0-65535"),
        (["--port=0"], "server.port is 0, which is any free port; tell the server's with --url"),
        (["--interval=nan"], "Invalid value for '--interval': a number of seconds from 0.1 to 3600"),
        (["--interval=0"], "Invalid value for '--interval': a number of seconds from 0.1 to 3600"),
    ],
)
@pytest.mark.usefixtures("alone")
def test_mistakes(arguments: list[str], error: str) -> None:
    result = invoke("stats", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"Error: {error}\n")
    assert "SECRET" not in result.stderr


@pytest.mark.usefixtures("alone")
def test_a_key_that_cannot_be_sent_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCPROXY_KEY", "SECRET\nx: y")
    result = invoke("stats")
    assert result.exit_code == 2
    assert "the key must be of ASCII letters" in result.stderr
    assert "SECRET" not in result.stderr
    assert "SECRET" not in repr(Place.parse("http://x", "SECRET"))


def test_the_bar_shows_what_there_is_and_what_there_may_be() -> None:
    numbers = {"total_connections": 5, "in_use_connections": 2, "available_connections": 1}
    snapshot = Snapshot.of(0.0, {"stats": numbers, "pool": {"max_size": 7}})
    assert next(iter(draw(snapshot))).text.endswith("5 of 7 at most, 0 kept   [##=++..]")


def test_rates_are_told_of_one_server_only() -> None:
    def told(at: float, acquired: int) -> Snapshot:
        return Snapshot.of(at, {"stats": {}, "pool": {"acquired": acquired}})

    def row(snapshot: Snapshot, earlier: Snapshot | None) -> list[str]:
        (text,) = [line.text for line in draw(snapshot, earlier) if line.text.startswith("given to requests")]
        return text.split()[3:]

    assert row(told(5, 9), None) == ["9"]
    assert row(told(5, 9), told(3, 4)) == ["9", "2.5"]
    assert row(told(5, 9), told(3, 10)) == ["9"]  # it began anew
    assert row(told(3, 9), told(3, 9)) == ["9"]


def test_what_is_no_server_of_ours_may_say_anything() -> None:
    absurd = {"in_use_connections": 10**12, "available_connections": -1, "acquired": 10**400}
    pool = {"retired": {"\x1b]0;x\x07\nidle": 1}, "last_error": "\x1b[2J\ud800"}
    earlier, later = (Snapshot.of(at, {"stats": absurd, "pool": pool}) for at in (1.0, 2.0))
    lines = [line.text for line in draw(later, earlier)]
    assert all(line.isprintable() for line in lines)
    assert "ended by    ]0;x  idle 1" in lines
    assert len(lines[0]) < 100
