"""What a lease costs: our pool, a bare memory channel, and the pools of others, all in one run.

    python -m benchmarks.pool

Resources cost nothing, so that only the pools are measured. All take turns, round by round, each time with a fresh
pool in a fresh event loop (asyncio's own, and trio's), with Python's settings as they are. The ratios are those of
the same round: whatever else the machine does hits all alike.

    python -m pip install -e '.[bench]'     # the pools of others; what is not installed is named and left out
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
from importlib.metadata import version
from typing import TYPE_CHECKING

from .pool_peers import DISTRIBUTIONS, installed, peers
from .pool_subjects import BARE_CHANNEL, OURS, SIZE, TASKS, on_trio

if TYPE_CHECKING:
    from .pool_subjects import Subject, Times

Rounds = dict[str, list["Times"]]


def measure(subjects: list[Subject], rounds: int) -> Rounds:
    """Every subject once a round, in another order each time."""
    series: Rounds = {subject.name: [] for subject in subjects}
    for number in range(rounds):
        turn = number % len(subjects)
        for subject in subjects[turn:] + subjects[:turn]:
            series[subject.name].append(subject.measure())
    return series


def cells(seconds: list[float], base: list[float]) -> str:
    """Median, p90, and the median of the ratios to the channel in the same round."""
    p90 = statistics.quantiles(seconds, n=10)[-1]
    ratio = statistics.median(mine / channel for mine, channel in zip(seconds, base, strict=True))
    return f"{statistics.median(seconds) * 1e6:.2f} | {p90 * 1e6:.2f} | {ratio:.2f}"


def place(pools: list[Subject], medians: dict[str, float], *loops: str) -> str:
    """Where our pool stands among those that run on `loops`."""
    order = sorted((pool.name for pool in pools if pool.loop in loops), key=medians.__getitem__)
    return f"{order.index(OURS) + 1} of {len(order)}"


def report(subjects: list[Subject], series: Rounds) -> str:
    """The table, and how the promises stand."""
    base = series[BARE_CHANNEL]
    alone = {name: statistics.median(times.alone for times in rounds) for name, rounds in series.items()}
    crowd = {name: statistics.median(times.crowd for times in rounds) for name, rounds in series.items()}
    lines = [
        f"| | loop | alone: median µs | p90 µs | times the channel | {TASKS} on {SIZE}: median µs | p90 µs "
        "| times the channel | first done |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for subject in subjects:
        rounds = series[subject.name]
        first = statistics.median(times.first for times in rounds)
        lines.append(
            f"| {subject.name} | {subject.loop} "
            f"| {cells([times.alone for times in rounds], [times.alone for times in base])} "
            f"| {cells([times.crowd for times in rounds], [times.crowd for times in base])} | {first:.0%} |"
        )
    pools = [subject for subject in subjects if subject.kind == "pool"]
    ratio = statistics.median(o.alone / c.alone for o, c in zip(series[OURS], base, strict=True))
    of_loops, of_all = (
        place(pools, alone, "trio", "asyncio"),
        place(pools, crowd, "trio", "asyncio", "threads"),
    )
    lines += [
        "",
        f"alone: {ratio:.2f} times the bare channel (wanted: 3 at most)",
        f"alone, beside the pools of asyncio: place {of_loops} (wanted: 1)",
        f"{TASKS} tasks on {SIZE}, beside all pools: place {of_all} (wanted: 1 or 2)",
    ]
    return "\n".join(lines)


def heading(missing: list[str]) -> str:
    """What was measured, where and when."""
    names = ["trio", *(name for name in DISTRIBUTIONS.values() if name not in missing)]
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    date = datetime.datetime.now(datetime.UTC).date()
    load = os.getloadavg()[0]
    lines = [
        f"{date}, Python {platform.python_version()}, {versions}, {os.cpu_count()} cores, load {load:.1f} before"
    ]
    if missing:
        lines.append(f"not installed, and so not measured: {', '.join(missing)}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=21, help="rounds, two or more")
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error(f"--rounds {arguments.rounds}: must be 2 or more")
    missing = [name for module, name in DISTRIBUTIONS.items() if not installed((module,))]
    print(heading(missing), flush=True)
    subjects = on_trio() + [subject for subject, needs in peers() if installed(needs)]
    print("", report(subjects, measure(subjects, arguments.rounds)), sep="\n")


if __name__ == "__main__":
    main()
