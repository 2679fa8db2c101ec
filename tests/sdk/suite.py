"""The official client's own test suite: fetched with its source, run in a process of its own, judged by a list.

The client's tests are in its source archive only. pip fetches the one that `expected.toml` names, whose digest
stands there too. The child pytest has that archive's configuration and none of ours; of the plugins it loads only
those that the suite's conftest needs. `expected.toml` says which tests fail, why, and what they fail with: what is
not listed must pass, what is listed must fail, and for the reason that is given.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tomllib
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATIENCE = 60.0
"""In seconds, for the archive to be fetched, and again for its tests to be run."""

RUN = (
    "tests/api_resources/test_messages.py",
    "tests/api_resources/test_models.py",
    "tests/api_resources/beta/test_messages.py",
)
_NEEDED = (
    "pyproject.toml",
    "tests/__init__.py",
    "tests/_alias_httpx.py",
    "tests/conftest.py",
    "tests/utils.py",
    "tests/api_resources/__init__.py",
    "tests/api_resources/beta/__init__.py",
    *RUN,
)
# The first is the suite's own, and must come before what imports httpx.
_PLUGINS = ("tests._alias_httpx", "asyncio", "inline_snapshot", "http_snapshot")


@frozen
class Failing:
    """Tests that are expected to fail."""

    tests: Sequence[str]
    """Patterns of their names."""
    because: str
    error: str
    """What the report of each failure contains."""


@frozen
class Expected:
    """`expected.toml`: which archive, and which of its tests fail."""

    version: str
    sha256: str
    tests: int
    """How many tests there are."""
    failing: Sequence[Failing] = field(converter=lambda entries: tuple(Failing(**entry) for entry in entries))

    def judge(self, outcomes: Mapping[str, str]) -> list[str]:
        """What is not as expected; `outcomes` has each test's failure, "" for one that passed."""
        found = []
        listed: set[str] = set()
        for entry in self.failing:
            for pattern in entry.tests:
                names = [name for name in outcomes if fnmatchcase(name, pattern)]
                found += [f"listed twice: {name}" for name in names if name in listed]
                listed.update(names)
                if not names:
                    found.append(f"listed, but there is no such test: {pattern}")
                for name in names:
                    if not outcomes[name]:
                        found.append(f"listed ({entry.because}), but passes: {name}")
                    elif entry.error not in outcomes[name]:
                        found.append(f"listed for {entry.error!r}, but fails with: {name}\n{outcomes[name]}")
        failed = {name: outcome for name, outcome in outcomes.items() if outcome}
        return found + [f"fails: {name}\n{failed[name]}" for name in failed if name not in listed]


@frozen
class Suite:
    """The unpacked files."""

    root: Path
    expected: Expected

    def command(self, report: Path) -> list[str]:
        """The command that runs the tests, from `root`; their outcomes are written to `report`."""
        plugins = [word for name in _PLUGINS for word in ("-p", name)]
        # The suite's own options would spread it over processes, for which there is no need.
        options = ["-o", "addopts=", "-p", "no:cacheprovider", "--tb=native", "-q", f"--junitxml={report}"]
        return [sys.executable, "-m", "pytest", *plugins, *options, *RUN]


def unpack_suite(kept: Path, root: Path) -> Suite:
    """Fetch the archive into `kept`, unless it is there, and unpack into `root` what the tests need."""
    with Path(__file__).with_name("expected.toml").open("rb") as file:
        expected = Expected(**tomllib.load(file))
    # The tests are the installed version's, or they would test the difference between two versions.
    assert version("anthropic") == expected.version
    stem = f"anthropic-{expected.version}"
    archive = kept / f"{stem}.tar.gz"
    if not archive.exists() or _digest(archive) != expected.sha256:
        _download(f"anthropic=={expected.version}", kept)
    assert _digest(archive) == expected.sha256
    with tarfile.open(archive) as files:
        for name in _NEEDED:
            content = files.extractfile(f"{stem}/{name}")
            assert content is not None
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content.read())
    return Suite(root, expected)


def _digest(archive: Path) -> str:
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _download(requirement: str, into: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "anthropic"]
    done = subprocess.run(
        [*pip, "--dest", str(into), requirement],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr


def read_report(report: Path) -> dict[str, str]:
    """Each test's failure as it was reported, "" for one that passed; a skipped test has not passed."""
    outcomes: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}".removeprefix("tests.api_resources.")
        told = [part for part in case if part.tag in {"failure", "error", "skipped"}]
        text = "".join(f"{part.tag}: {part.get('message')}\n{part.text or ''}" for part in told)
        outcomes[name] = outcomes.get(name, "") + text
    return outcomes
