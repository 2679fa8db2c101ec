"""The fixtures, in runs of pytest of their own: in trio mode, without it, and without pytest-trio."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ccproxy_trio import pytest_plugin

if TYPE_CHECKING:
    from pathlib import Path

COMMON = """
import random
from contextlib import asynccontextmanager
import pytest
import trio
from ccproxy_trio.pool import PoolConfig, open_pool
from ccproxy_trio.pool.testing import Gates, error, slow

class Box: pass

@asynccontextmanager
async def open_box():
    yield Box()

async def race():
    seen = []
    async def runner(number):
        await trio.sleep(1)
        seen.append(number)
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(runner, number)
    return seen

async def story(pool_chaos, pool_factory, pool_watch):
    factory = pool_factory(open_box, Gates(create=slow(1)))
    async with open_pool(factory, PoolConfig(min_size=0)) as pool:
        pool_watch(pool)
        async with pool_chaos(pauses=(3,)) as chaos:
            with trio.CancelScope() as scope, chaos.register(scope):
                async with pool.acquire():
                    assert trio.current_time() == 1
                    await trio.sleep_forever()
            assert scope.cancelled_caught
            assert trio.current_time() == 3
    return [trio.current_time(), await race()]
"""
ASYNC = """
@pytest.mark.parametrize("again", [1, 2])
@pytest.mark.parametrize("pool_seed", [1, 2])
async def test_story(autojump_clock, pool_scheduler, pool_chaos, pool_factory, pool_watch, pool_seed, again):
    print("SEEN", pool_seed, *await story(pool_chaos, pool_factory, pool_watch))
"""
PLAIN = """
@pytest.mark.parametrize("again", [1, 2])
@pytest.mark.parametrize("pool_seed", [1, 2])
def test_story(pool_run, pool_chaos, pool_factory, pool_watch, pool_seed, again):
    print("SEEN", pool_seed, *pool_run(story, pool_chaos, pool_factory, pool_watch))
"""
TRIO = ("-p", "pytest_trio.plugin")


def run(folder: Path, source: str, *options: str) -> str:
    """Run one file of tests with no plugins but ours and those named; what pytest says."""
    (folder / "test_it.py").write_text(COMMON + source)
    command = [sys.executable, "-m", "pytest", "-p", pytest_plugin.__name__, *options]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-W", "error", "-rA", "-q", "--tb=short", "test_it.py"],
        cwd=folder,
        env=dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS=""),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (ASYNC, (*TRIO, "-o", "trio_mode=true")),
        (ASYNC.replace("async def", "@pytest.mark.trio\nasync def"), TRIO),
        (PLAIN, (*TRIO, "-o", "trio_mode=true")),
        (PLAIN, ()),
    ],
    ids=["trio mode", "trio mark", "plain beside trio", "plain alone"],
)
def test_all_fixtures_work_and_follow_the_seed(tmp_path: Path, source: str, options: tuple[str, ...]) -> None:
    said = run(tmp_path, source, *options)
    assert "4 passed" in said
    first, again, other, other_again = (line for line in said.splitlines() if line.startswith("SEEN"))
    assert first == again
    assert other == other_again
    assert first.partition("[")[2] != other.partition("[")[2]


def test_the_seed_is_0_and_can_be_overridden(tmp_path: Path) -> None:
    source = """
def test_default(pool_seed, pool_scheduler):
    assert pool_seed == 0
    assert random.random() == random.Random(0).random()

class TestOverridden:
    @pytest.fixture
    def pool_seed(self): return 5

    def test_it(self, pool_scheduler):
        assert random.random() == random.Random(5).random()
"""
    assert "2 passed" in run(tmp_path, source)


def test_what_is_not_clean_or_not_at_rest_is_an_error_at_the_end(tmp_path: Path) -> None:
    source = """
def test_leaves_a_wrong(pool_run, pool_factory):
    factory = pool_factory(open_box)
    async def main():
        async with factory() as box:
            with factory.hold(box), factory.hold(box): pass
    pool_run(main)

def test_leaves_a_fault(pool_run, pool_watch):
    class Pool:
        def __init__(self, stats): self.statistics = lambda: stats
    async def main():
        async with open_pool(open_box) as pool, pool.acquire():
            await pool.wait_ready()
            pool_watch(Pool(pool.statistics()))
    pool_run(main)
"""
    said = run(tmp_path, source)
    assert "2 passed, 2 errors" in said
    assert "AssertionError: resource 1 was used by two at once" in said
    assert "AssertionError: pool 'pool': 1 leased" in said


def test_a_run_that_uses_no_fixture_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_free.py").write_text("import sys\ndef test_it(): assert 'trio' not in sys.modules\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", pytest_plugin.__name__, "-p", "no:cacheprovider", "-q"],
        cwd=tmp_path,
        env=dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS=""),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "1 passed" in done.stdout
