"""Two backends for the same tests: the stand-in, and the real binary over a fake API.

Neither sees anything of the machine's own: the environment is built from nothing, HOME and the folder for temporary
files are scratch, and the key is a dummy.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest

from ccproxy_trio.server.errors import refuse
from tests.cli.conftest import claude_binary as claude_binary
from tests.server.asked_once import ask_once
from tests.server.proxy import Backend
from tests.server.transport.small_app import put_in_place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment for a server, its repairs in place and its temporary files in a folder of the test's own."""
    put_in_place(monkeypatch, repaired=True, refuse=refuse)
    ask_once(monkeypatch, tmp_path)
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8"}


@pytest.fixture
def demo(scratch: dict[str, str]) -> Backend:
    """The stand-in."""
    return Backend(scratch)


@pytest.fixture
def cli(scratch: dict[str, str], claude_binary: Path) -> Backend:
    """The real binary, with a key that only the fake API takes."""
    return Backend({**scratch, "ANTHROPIC_API_KEY": "dummy"}, str(claude_binary))


@pytest.fixture(params=["demo", pytest.param("cli", marks=pytest.mark.cli)])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each of the two."""
    backend: Backend = request.getfixturevalue(request.param)
    return backend
