"""How long until the first words: a spawn per request, a fresh spare, a reused instance, and the same through HTTP.

    python -m benchmarks.turn

Everything is measured in one run and in turns, so that whatever else the machine does hits all alike. It drives the
real `claude` binary over a fake API on loopback, which answers at once: what is measured is our side and the CLI's.
The time is from the request to the first text delta. HOME is a scratch folder and the key a dummy; nothing leaves
the machine.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import orjson
import trio

from ccproxy_trio.claude.instance import Instance, Timeouts, open_instance
from ccproxy_trio.claude.locate import Cli, Launch, build_launch, locate_cli
from ccproxy_trio.dialects.anthropic.request import parse_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

MODEL = "claude-sonnet-4-5"
BODY = {
    "model": MODEL,
    "max_tokens": 100,
    "system": "Be brief.",
    "stream": True,
    "messages": [{"role": "user", "content": "hello"}],
}
SERVER = ("-m", "ccproxy_trio", "serve", "--port", "0", "--min-size", "1", "--max-size", "1")
REQUEST = parse_request(orjson.dumps(BODY))
SPAWN, SPARE, REUSED, HTTP = "spawn per request", "fresh spare", "reused instance", "reused, through HTTP"
Series = dict[str, list[float]]


@contextmanager
def running(*argv: str, env: dict[str, str]) -> Iterator[str]:
    """A child process of the benchmark; gives the first line that it prints."""
    with subprocess.Popen([sys.executable, *argv], stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def ask(instance: Instance) -> float:
    """Seconds from the request to the first text delta; the instance is then rewound."""
    started = perf_counter()
    turn = await instance.begin(REQUEST, MODEL)
    first = None
    while events := await turn.receive():
        if first is None and any(event["type"] == "content_block_delta" for event in events):
            first = perf_counter() - started
    await instance.reset()
    assert first is not None
    return first


async def spawn(launch: Launch) -> float:
    """A process for one request."""
    started = perf_counter()
    async with open_instance(launch, Timeouts()) as instance:
        opened = perf_counter() - started
        return opened + await ask(instance)


async def spare(launch: Launch) -> float:
    """A process that was started in advance, and never used."""
    async with open_instance(launch, Timeouts()) as instance:
        await trio.sleep(0.5)
        return await ask(instance)


@asynccontextmanager
async def connection(address: str) -> AsyncIterator[trio.SocketStream]:
    """A keep-alive connection to the server."""
    host, port = address.removeprefix("http://").split(":")
    stream = await trio.open_tcp_stream(host, int(port))
    async with stream:
        yield stream


async def post(stream: trio.SocketStream) -> float:
    """The same request through the server."""
    body = orjson.dumps(BODY)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
    started = perf_counter()
    await stream.send_all(head.encode() + body)
    got, first = b"", None
    while b"\r\n0\r\n\r\n" not in got:
        chunk = await stream.receive_some(65536)
        assert chunk, f"the server closed the connection after {got!r}"
        got += bytes(chunk)
        if first is None and b"content_block_delta" in got:
            first = perf_counter() - started
    assert first is not None, got
    return first


async def measure_starts(launch: Launch, count: int, series: Series) -> None:
    """The rows that need a process for each turn."""
    for _ in range(count):
        series[SPAWN].append(await spawn(launch))
        series[SPARE].append(await spare(launch))


async def measure_turns(launch: Launch, address: str, count: int, series: Series) -> None:
    """The rows that use a process again, in turns; the first ten of each warm it up."""
    async with open_instance(launch, Timeouts()) as instance, connection(address) as stream:
        for turn in range(-10, count):
            took = {}
            for name in (REUSED, HTTP) if turn % 2 else (HTTP, REUSED):
                took[name] = await (ask(instance) if name == REUSED else post(stream))
                await trio.sleep(0.04)  # until both are rewound, and all is quiet
            if turn >= 0:
                for name, seconds in took.items():
                    series[name].append(seconds)


def report(series: Series, cli: Cli) -> str:
    """The table, and the two promises."""
    medians = {name: statistics.median(values) * 1e3 for name, values in series.items()}
    reused, http = medians[REUSED], medians[HTTP]
    date = datetime.datetime.now(datetime.UTC).date()
    lines = [
        f"{date}, claude {cli.version}, Python {platform.python_version()}, {os.cpu_count()} cores",
        "",
        "| to the first text delta | n | median ms | p90 ms | times a reused instance |",
        "|---|---|---|---|---|",
    ]
    for name, values in series.items():
        p90 = statistics.quantiles(values, n=10)[-1] * 1e3
        lines.append(
            f"| {name} | {len(values)} | {medians[name]:.1f} | {p90:.1f} | {medians[name] / reused:.2f} |"
        )
    pairs = zip(series[HTTP], series[REUSED], strict=True)
    above = statistics.median(through - bare for through, bare in pairs) * 1e3
    lines += [
        "",
        f"reuse is {medians[SPAWN] / reused:.1f} times faster than a spawn per request (wanted: 10)",
        f"HTTP adds {above:.1f} ms in the median pair, {http - reused:.1f} between the medians (wanted: 3 at most)",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=12, help="processes for each of the first two rows")
    parser.add_argument(
        "--turns", type=int, default=40, help="turns of one process for each of the last two rows"
    )
    parser.add_argument("--rounds", type=int, default=6, help="processes for each of the last two rows")
    arguments = parser.parse_args()
    os.chdir(Path(__file__).parent.parent)
    series: Series = {SPAWN: [], SPARE: [], REUSED: [], HTTP: []}
    with tempfile.TemporaryDirectory() as home:
        bare = {"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": home}
        with running("-m", "tests.fake_api", "--port", "0", env=bare) as url:
            environ = {**bare, "ANTHROPIC_API_KEY": "dummy", "ANTHROPIC_BASE_URL": url}
            cli = locate_cli("", "environment", environ)
            launch = build_launch(cli, MODEL, environ)
            trio.run(measure_starts, launch, arguments.starts, series)
            # One process is a millisecond faster than the next, all its life; so there are several of each.
            for _ in range(arguments.rounds):
                with running(*SERVER, env={**environ, "CLAUDE__DEFAULT_MODEL": MODEL}) as said:
                    trio.run(measure_turns, launch, said.split()[-1], arguments.turns, series)
    print(report(series, cli))


if __name__ == "__main__":
    main()
