"""What there is to tell of a run, for people."""

from __future__ import annotations

import datetime
import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .accounts import Accounts
    from .trouble import Trouble


def describe(seed: int, seconds: float, accounts: Accounts, trouble: Trouble) -> str:
    """Outcomes as a table, then the rest, then every lie."""
    tally, stats, server = accounts.tally, accounts.last, accounts.server
    median, slow = tally.plain_milliseconds()
    date = datetime.datetime.now(datetime.UTC).date()
    shots = [(number.name, count) for number, count in sorted(trouble.shots.items())]
    lines = [
        f"{date}, seed {seed}, {seconds:.0f} s, Python {platform.python_version()}, {os.cpu_count()} cores",
        "",
        "| outcome | status | requests |",
        "|---|---|---|",
        *(f"| {outcome} | {status} | {count} |" for outcome, status, count in tally.rows()),
        "",
        f"{tally.begun} requests, {tally.begun / seconds:.1f} a second",
        f"a plain question: {median:.0f} ms in the median, {slow:.0f} ms at p95, of {len(tally.plain)}",
        f"instances: {stats.get('connections_created')} started, {stats.get('create_failures')} not, "
        f"{stats.get('connections_destroyed')} ended ({_list(stats.get('retired', {}).items())})",
        f"requests that another instance was asked for: {server.retries}",
        f"shots: {_list(shots)}; starts broken: {_list(sorted(trouble.broken.items()))}",
        f"memory of the server: {accounts.memory >> 20} MB before, {accounts.peak >> 20} MB at the most, "
        f"{accounts.at_the_end >> 20} MB at the end",
        "",
        f"{tally.lied} lies",
        *tally.lies,
    ]
    if tally.lied or server.process.returncode != 0:
        lines += ["", "the server's last words:", *server.last_lines]
    return "\n".join(lines)


def _list(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts if count) or "none"
