"""An official client's own test suite: fetched with its source, run in a process of its own, judged by a list.

The clients' tests are in their source archives only. pip fetches the one that an `expected.toml` names, whose digest
stands there too, with what of it is run and what that needs. The child pytest has that archive's configuration and
none of ours; of the plugins it loads only those that the suite's conftest needs. `expected.toml` also says which
tests fail, why, and what they fail with: what is not listed must pass, what is listed must fail, and for the reason
that is given.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tomllib
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE = 60.0
"""In seconds, for the archive to be fetched, and again for its tests to be run."""


@frozen
class Failing:
    """Tests that are expected to fail."""

    tests: Sequence[str]
    """Patterns of their names."""
    because: str
    error: str
    """What the report of each failure contains."""


@frozen(kw_only=True)
class Expected:
    """An `expected.toml`: which archive, what of it is run, and which of its tests fail."""

    package: str
    version: str
    sha256: str
    run: Sequence[str]
    """The files whose tests are run."""
    needed: Sequence[str]
    """Patterns of the files that those need."""
    plugins: Sequence[str]
    """The plugins that the suite's conftest needs, in the order in which they are loaded."""
    tests: int
    """How many tests there are."""
    failing: Sequence[Failing] = field(converter=lambda entries: tuple(Failing(**entry) for entry in entries))

    def judge(self, outcomes: Mapping[str, str]) -> list[str]:
        """What is not as expected; `outcomes` has each test's failure, "" for one that passed."""
        found = [] if len(outcomes) == self.tests else [f"{len(outcomes)} tests instead of {self.tests}"]
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

    def run(self, base_url: str, scratch: Path) -> list[str]:
        """Run the tests against a server; what is not as expected."""
        report = scratch / "report.xml"
        done = subprocess.run(
            self._command(report),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.root,
            env={
                "PATH": os.defpath,
                "HOME": str(scratch),
                "TEST_API_BASE_URL": base_url,
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            timeout=PATIENCE,
        )
        assert report.exists(), done.stdout + done.stderr
        return self.expected.judge(read_report(report))

    def _command(self, report: Path) -> list[str]:
        plugins = [word for name in self.expected.plugins for word in ("-p", name)]
        # The suite's own options would spread it over processes, for which there is no need.
        options = ["-o", "addopts=", "-p", "no:cacheprovider", "--tb=native", "-q", f"--junitxml={report}"]
        return [sys.executable, "-m", "pytest", *plugins, *options, *self.expected.run]


def unpack_suite(listed: Path, kept: Path, root: Path) -> Suite:
    """Fetch the archive that `listed` names into `kept`, unless it is there; unpack what is needed into `root`."""
    with listed.open("rb") as file:
        expected = Expected(**tomllib.load(file))
    # The tests are the installed version's, or they would test the difference between two versions.
    assert version(expected.package) == expected.version
    stem = f"{expected.package}-{expected.version}"
    archive = kept / f"{stem}.tar.gz"
    if not archive.exists() or _digest(archive) != expected.sha256:
        _download(expected, kept)
    assert _digest(archive) == expected.sha256
    with tarfile.open(archive) as files:
        for member in files:
            name = member.name.removeprefix(f"{stem}/")
            content = files.extractfile(member)
            wanted = any(fnmatchcase(name, pattern) for pattern in (*expected.needed, *expected.run))
            if content is not None and wanted:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(content.read())
    return Suite(root, expected)


def _digest(archive: Path) -> str:
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def _download(expected: Expected, into: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", expected.package]
    done = subprocess.run(
        [*pip, "--dest", str(into), f"{expected.package}=={expected.version}"],
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
