"""Break a copy of the pool on purpose, and see which test notices.

The copy stands in a directory of its own with the tests beside it, and only there is anything changed. The process
that runs the tests makes sure that it has imported the pool from the copy. An old text that is not found exactly once
is an error, so that a table of mutations cannot rot.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import trio

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "ccproxy_trio/pool"
AT_ONCE = 2
LONGEST = 120
TESTS = [
    # The first that fails is the one that is named, so those that say most of what is wrong come first.
    *("test_upstream_bugs", "test_promises", "test_timings", "test_closing", "test_backoff", "test_fit"),
    *(
        "test_tenants",
        "test_lease_time",
        "test_retire_reasons",
        "test_resize",
        "test_reconfigure",
        "test_observers",
        "test_surface",
        "test_policy",
        "test_matrix",
    ),
]
RUN = """
import sys
copy = sys.path[0] = sys.argv[1]
import pytest
status = pytest.main(sys.argv[2:])
import ccproxy_trio.pool
if not ccproxy_trio.pool.__file__.startswith(copy):
    sys.exit(f"this is not the copy: {ccproxy_trio.pool.__file__}")
sys.exit(status)
"""
OPTIONS = ["-x", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", "--timeout=8"]


@dataclass(frozen=True)
class Mutation:
    """One thing done wrong, and why it matters."""

    name: str
    file: str
    old: str
    new: str
    why: str


@dataclass(frozen=True)
class Verdict:
    """What the tests said of a copy: the test that failed, None if all passed."""

    name: str
    killed_by: str | None
    seconds: float


def mutated(source: str, mutation: Mutation) -> str:
    """The source with the mutation in it. Raises `ValueError` if the old text is not there exactly once."""
    found = source.count(mutation.old)
    if found != 1:
        raise ValueError(f"{mutation.name!r}: the old text is {found} times in {mutation.file}, not once")
    return source.replace(mutation.old, mutation.new)


def copy_pool(place: Path) -> None:
    """Put the package and the pool's tests into `place`."""
    no_caches = shutil.ignore_patterns("__pycache__")
    for part in ("ccproxy_trio", "tests/pool"):
        shutil.copytree(ROOT / part, place / part, ignore=no_caches)
    for file in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / file, place / file)


def mutate(place: Path, mutation: Mutation) -> None:
    """Break the copy in `place`."""
    target = place / FOLDER / mutation.file
    target.write_text(mutated(target.read_text(), mutation))
    for compiled in target.parent.glob(f"__pycache__/{target.stem}.*"):
        compiled.unlink()


async def judge(name: str, place: Path) -> Verdict:
    """Run the tests in `place`. Raises `RuntimeError` if they could not be run at all."""
    files = [f"tests/pool/{test}.py" for test in TESTS]
    start = trio.current_time()
    done = None
    # A mutant may loop where no timeout of a test reaches it; the run is then ended from here.
    with trio.move_on_after(LONGEST):
        done = await trio.run_process(
            [sys.executable, "-c", RUN, str(place), *OPTIONS, *files],
            cwd=place,
            check=False,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
        )
    seconds = trio.current_time() - start
    if done is None:
        return Verdict(name, f"no end within {LONGEST} s", seconds)
    if done.returncode == 0:
        return Verdict(name, None, seconds)
    output = done.stdout.decode(errors="replace")
    failed = re.search(r"^(?:FAILED|ERROR) tests/pool/(\S+?)\.py(?:::(\S+))?", output, re.MULTILINE)
    if done.returncode != 1 or failed is None:
        raise RuntimeError(
            f"{name!r}: the tests did not run (exit status {done.returncode}):\n{output[-2000:]}"
        )
    return Verdict(name, failed[2] or failed[1], seconds)


async def judge_all(mutations: list[Mutation]) -> list[Verdict]:
    """The verdict on the unchanged copy and then, if that is good, on each mutation, in their order.

    Raises `ValueError` before anything is run if a mutation does not apply.
    """
    verdicts: dict[str, Verdict] = {}
    limit = trio.CapacityLimiter(AT_ONCE)
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        places = Path(directory)
        copy_pool(places / "unchanged")
        for mutation in mutations:
            mutated((places / "unchanged" / FOLDER / mutation.file).read_text(), mutation)

        async def judge_one(number: int, mutation: Mutation) -> None:
            async with limit:
                place = places / str(number)
                shutil.copytree(places / "unchanged", place)  # With what is compiled there by now.
                mutate(place, mutation)
                verdicts[mutation.name] = await judge(mutation.name, place)
                shutil.rmtree(place)

        unchanged = await judge("nothing changed", places / "unchanged")
        if unchanged.killed_by is None:
            async with trio.open_nursery() as nursery:
                for number, mutation in enumerate(mutations):
                    nursery.start_soon(judge_one, number, mutation)
    return [unchanged, *(verdicts[m.name] for m in mutations if m.name in verdicts)]
