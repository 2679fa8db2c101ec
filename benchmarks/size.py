"""How large an instance and the server are: memory, CPU, threads and open files, at rest and after work.

    python -m benchmarks.size

It drives a whole server over HTTP, once with the real `claude` binary over a fake API on loopback and once with the
stand-in. RSS counts shared pages in full for every process, PSS gives each its part of them: what N instances take
together is N times the PSS. CPU is what a process has used since the line before, divided by the turns made. HOME is
a scratch folder and the key a dummy; nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import orjson
from attrs import frozen

from benchmarks.turn import MODEL, running
from ccproxy_trio.claude.locate import locate_cli

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Messages = list[dict[str, str]]

MIB = 2**20
SETTLED = 0.2
"""Seconds after which a process that has nothing to do is at rest."""
_TICK = os.sysconf("SC_CLK_TCK")


@frozen
class Size:
    """Of one process, or of several on average."""

    rss: float
    pss: float
    cpu: float
    """Seconds since it was started."""
    threads: float
    files: float

    @classmethod
    def of(cls, pid: int) -> Size:
        """Read it from /proc."""
        proc = Path("/proc", str(pid))
        memory = {
            name: int(value.split()[0]) * 1024
            for name, _, value in (
                line.partition(":") for line in (proc / "smaps_rollup").read_text().splitlines()
            )
            if value.endswith("kB")
        }
        stat = (proc / "stat").read_text().rpartition(")")[2].split()
        cpu = (int(stat[11]) + int(stat[12])) / _TICK
        files = len(list((proc / "fd").iterdir()))
        return cls(memory["Rss"], memory["Pss"], cpu, int(stat[17]), files)

    @classmethod
    def average(cls, sizes: list[Size]) -> Size:
        """The mean of each number."""
        columns = zip(
            *((each.rss, each.pss, each.cpu, each.threads, each.files) for each in sizes), strict=True
        )
        return cls(*(sum(column) / len(sizes) for column in columns))


@frozen
class Server:
    """A running server with a fixed number of instances."""

    pid: int
    address: str
    instances: int

    def ask(self, messages: Messages, times: int) -> None:
        """Have each instance answer this so many times, all of them at once."""
        body = orjson.dumps({"model": MODEL, "max_tokens": 100, "messages": messages})

        def ask_in_turn(_: int) -> None:
            for _ in range(times):
                with urlopen(Request(f"{self.address}/v1/messages", body)) as answer:
                    answer.read()

        with ThreadPoolExecutor(self.instances) as clients:
            list(clients.map(ask_in_turn, range(self.instances)))

    def measure(self) -> tuple[Size, Size]:
        """The server's size, and an instance's on average, when all are at rest."""
        deadline = time.monotonic() + 60
        while self._free() < self.instances:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.instances} instances did not get ready")
            time.sleep(0.02)
        time.sleep(SETTLED)
        started = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        assert len(started) == self.instances, "an instance was replaced, and what it has used is lost"
        return Size.of(self.pid), Size.average([Size.of(int(child)) for child in started])

    def _free(self) -> int:
        with urlopen(f"{self.address}/pool/stats") as answer:
            free: int = orjson.loads(answer.read())["stats"]["available_connections"]
            return free


@contextmanager
def open_server(environ: Mapping[str, str], instances: int) -> Iterator[Server]:
    """Start one, and end it."""
    size = ("--min-size", str(instances), "--max-size", str(instances), "--max-uses", "1000000")
    argv = (sys.executable, "-m", "ccproxy_trio", "serve", "--port", "0", *size, "--acquire-timeout", "60")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            yield Server(process.pid, process.stdout.readline().split()[-1], instances)
        finally:
            process.terminate()


def pairs(count: int) -> Messages:
    """A conversation of so many questions and answers of 300 characters, and one more question."""
    history = [{"role": role, "content": "word " * 60} for role in ("user", "assistant")] * count
    return [*history, {"role": "user", "content": "hello"}]


def measure(environ: Mapping[str, str], instances: int, turns: int, history: int) -> Iterator[str]:
    """The rows of one kind of instance, in the order in which they are made."""
    with open_server(environ, instances) as server:
        before: tuple[Size, Size] | None = None
        for name, count, messages in (
            ("at rest, never used", 0, []),
            ("after 1 turn", 1, pairs(0)),
            (f"after {turns} turns", turns - 1, pairs(0)),
            (f"after a history of {history} pairs", 1, pairs(history)),
            (f"after {turns} turns more", turns, pairs(0)),
        ):
            server.ask(messages, count)
            sizes = server.measure()
            for who, size, last, each in zip(
                ("the server", "an instance"), sizes, before or sizes, (instances, 1), strict=True
            ):
                cpu = f"{(size.cpu - last.cpu) / (count * each) * 1e3:.1f}" if count else "-"
                yield (
                    f"| {who} | {name} | {size.rss / MIB:.0f} | {size.pss / MIB:.0f} | {cpu} | {size.threads:.0f} "
                    f"| {size.files:.0f} |"
                )
            before = sizes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--instances", type=int, default=4, help="instances of each server")
    parser.add_argument("--turns", type=int, default=100, help="turns of each instance, 2 at least")
    parser.add_argument("--history", type=int, default=200, help="pairs of messages in the long history")
    arguments = parser.parse_args()
    os.chdir(Path(__file__).parent.parent)
    with tempfile.TemporaryDirectory() as home:
        bare = {"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": home}
        with running("-m", "tests.fake_api", "--port", "0", env=bare) as url:
            real = {**bare, "ANTHROPIC_API_KEY": "dummy", "ANTHROPIC_BASE_URL": url}
            version = locate_cli("", "environment", real).version
            date = datetime.datetime.now(datetime.UTC).date()
            print(
                f"{date}, claude {version}, Python {platform.python_version()}, {os.cpu_count()} cores, "
                f"{arguments.instances} instances"
            )
            for what, environ in ("the CLI", real), ("the stand-in", {**bare, "CLAUDE__DEMO": "true"}):
                print(f"\n{what}\n")
                print("| process | when | RSS, MiB | PSS, MiB | CPU a turn, ms | threads | files |")
                print("|---|---|---|---|---|---|---|")
                for row in measure(environ, arguments.instances, arguments.turns, arguments.history):
                    print(row, flush=True)


if __name__ == "__main__":
    main()
