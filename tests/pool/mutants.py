"""What can go wrong in a pool, done to this one on purpose: the tests must notice each.

`python -m tests.pool.mutants` prints who was caught by what; a survivor is a failure. Most of these were real bugs of
other pools. Give names to try only some.
"""

from __future__ import annotations

import sys

import trio

from tests.pool.mutate import Verdict, judge_all
from tests.pool.mutations.choosing import CHOOSING
from tests.pool.mutations.growing import GROWING
from tests.pool.mutations.keeping import KEEPING
from tests.pool.mutations.waiting import WAITING

MUTATIONS = [*WAITING, *GROWING, *CHOOSING, *KEEPING]


def table(verdicts: list[Verdict]) -> str:
    """Who was caught by what."""
    rows = [("mutant", "killed by", "seconds")]
    rows += [(v.name, v.killed_by or "NOBODY", f"{v.seconds:.1f}") for v in verdicts[1:]]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{name:{first}}  {test:{second}}  {seconds:>7}" for name, test, seconds in rows)


def survivors(verdicts: list[Verdict]) -> list[str]:
    """Those that no test noticed."""
    return [verdict.name for verdict in verdicts[1:] if verdict.killed_by is None]


def main(names: list[str]) -> str | None:
    """Print the table; what is wrong, if anything is."""
    verdicts = trio.run(judge_all, [m for m in MUTATIONS if not names or m.name in names])
    unchanged = verdicts[0]
    if unchanged.killed_by is not None:
        return f"The tests fail without any mutation: {unchanged.killed_by}"
    sys.stdout.write(table(verdicts) + "\n")
    alive = survivors(verdicts)
    return f"Survivors: {', '.join(alive)}" if alive else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
