"""What every server asks of its CLI at the start, asked once for all tests: its version, and whether it forgets.

That it is asked, and what follows, is for the tests of `claude`; each time it would take a process of the real binary
more. What a test has made itself, in its own folder, is asked by each server as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio.claude import launcher, locate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pytest

    from ccproxy_trio.claude.launcher import Source, Trial

_probe, _ask_version = launcher._probe, locate.ask_version
_trials: dict[Path, Trial] = {}
_versions: dict[Path, str] = {}


def ask_once(patch: pytest.MonkeyPatch, own: Path) -> None:
    """Have it so for one test, whose folder is `own`."""

    async def probe(source: Source) -> Trial:
        path = source.cli.path
        if path not in _trials or path.is_relative_to(own):
            _trials[path] = await _probe(source)
        return _trials[path]

    def ask_version(argv: Sequence[str], path: Path, environ: Mapping[str, str]) -> str:
        if path not in _versions or path.is_relative_to(own):
            _versions[path] = _ask_version(argv, path, environ)
        return _versions[path]

    patch.setattr(launcher, "_probe", probe)
    patch.setattr(locate, "ask_version", ask_version)
