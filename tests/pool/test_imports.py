"""The pool stands alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import ccproxy_trio.pool

FOREIGN = ("quart", "quart_trio", "hypercorn", "attr", "attrs", "cattrs", "orjson", "click")


def test_importing_the_pool_loads_nothing_of_the_server() -> None:
    # attrs is trio's own dependency: what counts is that the pool adds nothing to what trio loads.
    script = (
        "import sys, trio; before = set(sys.modules); import ccproxy_trio.pool; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "ccproxy_trio" in loaded
    assert not loaded & set(FOREIGN)


def test_the_pool_imports_the_standard_library_and_trio_only() -> None:
    folder = Path(ccproxy_trio.pool.__file__).parent
    allowed = set(sys.stdlib_module_names) | {"trio", "trio_util"}
    files = sorted(folder.glob("*.py"))
    assert len(files) > 10
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1, file
            assert {name.partition(".")[0] for name in names} <= allowed, file


def test_what_is_public_is_said() -> None:
    # pytest adds names that are no identifiers to the modules of a plugin's distribution.
    names = filter(str.isidentifier, vars(ccproxy_trio.pool))
    public = {name for name in names if not name.startswith("_")}
    # `testing` is there if anybody has imported it.
    assert public - {"annotations", "testing"} == set(ccproxy_trio.pool.__all__)
