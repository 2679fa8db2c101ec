"""What instances are started from, and how another binary in its place is told from it.

A file is known by its footprint: what its path leads to, and which file that is. Those who install a new version
write another file and rename it over the old one, or turn a link round; whoever writes into the old file changes its
size or time. The path itself is what is started, links and all, since a program may go by the name it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from .errors import CliUnusable
from .locate import Cli, Launch, build_launch, build_probe, find_cli

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .instance import Timeouts


@frozen
class Footprint:
    """Which file a path leads to."""

    path: Path
    device: int
    inode: int
    size: int
    modified: int


def look_at(path: Path) -> Footprint | None:
    """The file's footprint; None when there is none, or when it is out of reach."""
    try:
        real = path.resolve(strict=True)
        found = real.stat()
    except (OSError, RuntimeError):  # a loop of links
        return None
    return Footprint(real, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@frozen
class Source:
    """A CLI, and all that instances are started with."""

    cli: Cli
    launch: Launch
    probe: Launch
    """The same without a credential."""
    timeouts: Timeouts
    footprint: Footprint | None = field()
    """The binary as it was when this was made."""

    @footprint.default
    def _look(self) -> Footprint | None:
        return look_at(self.cli.path)

    def is_on_disk(self) -> bool:
        """Whether the binary is still the same."""
        return look_at(self.cli.path) == self.footprint

    def has_binary_of(self, other: Source) -> bool:
        """Whether nothing but options is different."""
        return (self.cli.path, self.footprint) == (other.cli.path, other.footprint)


def build_source(cli: Cli, model: str, environ: Mapping[str, str], timeouts: Timeouts) -> Source:
    """What instances of `cli` are started from, whose first model is `model`."""
    return Source(cli, build_launch(cli, model, environ), build_probe(cli, environ), timeouts)


@frozen
class Wanted:
    """The CLI that the settings mean, and how its instances are to be started."""

    cli_path: str
    auth: str
    demo: bool
    model: str
    timeouts: Timeouts
    environ: Mapping[str, str] = field(repr=False)
    given: Cli | None = None
    """The one that a program has chosen by itself, whatever the settings say."""

    def find(self) -> Source:
        """What is on disk now; nobody has asked it for its version. Raises CliUnusable."""
        return build_source(self._find(), self.model, self.environ, self.timeouts)

    def give(self, cli: Cli) -> Wanted:
        """The same for `cli`, if the settings mean another one."""
        try:
            found = self._find()
        except CliUnusable:
            return evolve(self, given=cli)
        return self if evolve(found, version=cli.version) == cli else evolve(self, given=cli)

    def _find(self) -> Cli:
        return self.given or find_cli(self.cli_path, self.auth, self.environ, demo=self.demo)
