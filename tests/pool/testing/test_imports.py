"""What is for testing costs nobody anything who does not test, and those who do no more than trio."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import ccproxy_trio.pool.testing

FOLDER = Path(ccproxy_trio.pool.testing.__file__).parent


def loaded_by(*lines: str) -> set[str]:
    """What these lines import, in an interpreter of its own."""
    script = "; ".join(("import sys", *lines, "print(*sys.modules)"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_it_loads_the_standard_library_and_trio_only() -> None:
    of_trio = top(loaded_by("import trio, trio.testing"))
    ours = top(loaded_by("import ccproxy_trio.pool.testing")) - of_trio - set(sys.stdlib_module_names)
    assert ours == {"ccproxy_trio"}


def test_the_pool_does_not_load_it() -> None:
    loaded = loaded_by("import ccproxy_trio.pool")
    assert "ccproxy_trio.pool" in loaded
    assert not {name for name in loaded if name.startswith("ccproxy_trio.pool.testing")}
    assert "trio.testing" not in loaded


def test_the_plugin_loads_neither_trio_nor_the_pool() -> None:
    before = loaded_by("import pytest")
    after = loaded_by("import pytest", "import ccproxy_trio.pytest_plugin")
    assert after - before == {"ccproxy_trio", "ccproxy_trio.pytest_plugin"}


def test_it_imports_from_the_pool_what_is_public_only() -> None:
    files = sorted(FOLDER.glob("*.py"))
    assert len(files) > 5
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                assert node.module is None, file
                assert {alias.name for alias in node.names} <= set(ccproxy_trio.pool.__all__), file


def test_what_is_public_is_said() -> None:
    # pytest adds names that are no identifiers to the modules of a plugin's distribution.
    names = filter(str.isidentifier, vars(ccproxy_trio.pool.testing))
    public = {name for name in names if not name.startswith("_")}
    assert public - {"annotations"} == set(ccproxy_trio.pool.testing.__all__)


def test_pytest_finds_the_plugin() -> None:
    points = metadata.distribution("ccproxy-trio").entry_points
    assert [point.value for point in points if point.group == "pytest11"] == ["ccproxy_trio.pytest_plugin"]
