"""How long a conversation's history takes to tell: what our side adds to what the CLI itself needs for it.

    python -m benchmarks.history

The CLI forgets each conversation, so that its history is told anew with each request: message by message, for that
is how it takes them. A reused instance and a bare process do so in turns, in one run; the bare process is given the
same frames, written in advance, and nothing is made of what it says: it is the CLI's own floor. Both are the real
`claude` binary over a fake API on loopback, which answers at once. HOME is a scratch folder and the key a dummy;
nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import orjson
import trio

from benchmarks.bare_process import Took, cpu_of, open_bare
from benchmarks.turn import MODEL, running
from ccproxy_trio.claude.instance import Instance, Timeouts, open_instance
from ccproxy_trio.claude.locate import Cli, Launch, build_launch, locate_cli
from ccproxy_trio.dialects.anthropic.request import parse_request

if TYPE_CHECKING:
    from collections.abc import Sequence

BARE, OURS = "bare process", "reused instance"
Series = dict[tuple[str, int], list[Took]]


def text(role: str, number: int) -> dict[str, Any]:
    """A message of some words."""
    return {"role": role, "content": [{"type": "text", "text": f"message {number} " + "of some words " * 20}]}


def conversation(pairs: int) -> list[dict[str, Any]]:
    """So many messages of the user's with their answers, and one to be answered."""
    return [text("assistant" if number % 2 else "user", number) for number in range(2 * pairs + 1)]


async def ask(instance: Instance, pairs: int) -> Took:
    """The same through an instance."""
    messages = conversation(pairs)
    request = parse_request(orjson.dumps({"model": MODEL, "max_tokens": 100, "messages": messages}))
    cpu, cli_cpu, started = process_time(), cpu_of(instance.pid), perf_counter()
    turn = await instance.begin(request, MODEL)
    told = perf_counter(), process_time(), cpu_of(instance.pid)
    begun, *_ = await turn.receive()
    while await turn.receive():
        pass
    ended = perf_counter()
    assert begun["message"]["usage"]["input_tokens"] == 10 + len(messages), "not all messages reached the API"
    await instance.reset()
    return Took(told[0] - started, ended - started, told[1] - cpu, told[2] - cli_cpu)


async def measure(launch: Launch, folder: Path, rounds: int, lengths: Sequence[int], series: Series) -> None:
    """Both in turns, every length in each round; the first round warms up."""
    with open_bare(launch, folder) as bare:
        async with open_instance(launch, Timeouts()) as instance:
            for number in range(-1, rounds):
                for pairs in lengths:
                    for name in (BARE, OURS) if number % 2 else (OURS, BARE):
                        took = (
                            bare.ask(conversation(pairs), MODEL)
                            if name == BARE
                            else await ask(instance, pairs)
                        )
                        if number >= 0:
                            series.setdefault((name, pairs), []).append(took)
                        await trio.sleep(0.02)


def report(series: Series, cli: Cli) -> str:
    """The table."""
    date = datetime.datetime.now(datetime.UTC).date()
    lines = [
        f"{date}, claude {cli.version}, Python {platform.python_version()}, {os.cpu_count()} cores",
        "",
        "| pairs | n | bare process: ms a pair | reused instance | p90 | times the bare process | our CPU "
        "| the CLI's CPU | whole request, ms | times one without |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    without = [took.whole for took in series[OURS, 0]]
    for name, pairs in series:
        if name == BARE:
            lines.append(_row(pairs, series[BARE, pairs], series[OURS, pairs], without))
    return "\n".join(lines)


def _row(pairs: int, bare: Sequence[Took], ours: Sequence[Took], without: Sequence[float]) -> str:
    whole = statistics.median(took.whole for took in ours)
    cells = ["-"] * 6
    if pairs:
        floor = statistics.median(took.history for took in bare)
        median = statistics.median(took.history for took in ours)
        p90 = statistics.quantiles([took.history for took in ours], n=10)[-1]
        times = statistics.median(mine.history / its.history for mine, its in zip(ours, bare, strict=True))
        own, its = (
            statistics.fmean(each) for each in zip(*((t.own_cpu, t.cli_cpu) for t in ours), strict=True)
        )
        floor, median, p90, own, its = (seconds * 1e3 / pairs for seconds in (floor, median, p90, own, its))
        cells = [f"{floor:.2f}", f"{median:.2f}", f"{p90:.2f}", f"{times:.2f}", f"{own:.2f}", f"{its:.2f}"]
    more = statistics.median(took.whole / least for took, least in zip(ours, without, strict=True))
    return f"| {pairs} | {len(ours)} | {' | '.join(cells)} | {whole * 1e3:.1f} | {more:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=3, help="processes of each kind")
    parser.add_argument("--rounds", type=int, default=8, help="conversations of each length for each process")
    parser.add_argument(
        "--pairs", type=int, nargs="*", default=(10, 50, 200), help="lengths of the histories"
    )
    arguments = parser.parse_args()
    os.chdir(Path(__file__).parent.parent)
    series: Series = {}
    with tempfile.TemporaryDirectory() as home:
        bare = {"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": home}
        with running("-m", "tests.fake_api", "--port", "0", env=bare) as url:
            environ = {**bare, "ANTHROPIC_API_KEY": "dummy", "ANTHROPIC_BASE_URL": url}
            cli = locate_cli("", "environment", environ)
            launch = build_launch(cli, MODEL, environ)
            for _ in range(arguments.processes):
                lengths = (0, *arguments.pairs)
                trio.run(measure, launch, Path(home), arguments.rounds, lengths, series)
    print(report(series, cli))


if __name__ == "__main__":
    main()
