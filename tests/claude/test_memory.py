"""The memory of processes: true numbers, not too often, and nothing of processes that are gone."""

from __future__ import annotations

import mmap
import os
import threading
from typing import TYPE_CHECKING

import trio

from ccproxy_trio.claude import memory
from ccproxy_trio.claude.memory import AGE, PATIENCE, Memory, MemoryReadings, read_memory

if TYPE_CHECKING:
    import pytest

BLOCK = 64 * 2**20
NOBODY = 2**22 + 1
"""Above the highest process id that Linux gives."""


def test_what_a_process_takes_grows_with_what_it_touches() -> None:
    before = read_memory(os.getpid())
    with mmap.mmap(-1, BLOCK) as block:  # of the kernel, not of what the allocator has kept
        for page in range(0, BLOCK, mmap.PAGESIZE):
            block[page] = 1
        after = read_memory(os.getpid())
    assert before is not None
    assert after is not None
    assert 0 < after.pss <= after.rss
    assert abs(after.pss - before.pss - BLOCK) < BLOCK // 4


def test_a_process_that_is_gone_has_no_numbers() -> None:
    assert read_memory(NOBODY) is None


async def test_read_once_for_all_who_ask_within_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(memory, "AGE_WITH_NEW", 3600.0)
    monkeypatch.setattr(memory, "read_memory", lambda pid: asked.append(pid) or Memory(2, 1))
    readings = MemoryReadings()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(readings.refresh, [1, 2])
        nursery.start_soon(readings.refresh, [1, 2])
    await readings.refresh([1, 2, 3])
    assert asked == [1, 2]
    assert readings.latest == {1: Memory(2, 1), 2: Memory(2, 1)}


async def test_read_again_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "AGE", 0.0)
    monkeypatch.setattr(memory, "read_memory", lambda pid: Memory(pid, pid))
    readings = MemoryReadings()
    await readings.refresh([1, 2])
    await readings.refresh([2])
    assert readings.latest == {2: Memory(2, 2)}
    await readings.refresh([])
    assert readings.latest == {}


async def test_read_sooner_for_one_that_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "AGE_WITH_NEW", 0.0)
    monkeypatch.setattr(memory, "read_memory", lambda pid: Memory(pid, pid) if pid > 1 else None)
    readings = MemoryReadings()
    await readings.refresh([2])
    await readings.refresh([2, 3])
    assert readings.latest == {2: Memory(2, 2), 3: Memory(3, 3)}
    await readings.refresh([3])
    assert readings.latest == {2: Memory(2, 2), 3: Memory(3, 3)}


async def test_nobody_waits_for_a_process_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PATIENCE < AGE
    monkeypatch.setattr(memory, "PATIENCE", 0.05)
    monkeypatch.setattr(memory, "AGE_WITH_NEW", 0.0)
    hangs, let_go, reads = threading.Event(), threading.Event(), []

    def hang(pid: int) -> Memory | None:
        reads.append(pid)
        hangs.set()
        let_go.wait(30)
        return None

    monkeypatch.setattr(memory, "read_memory", hang)
    readings = MemoryReadings()
    try:
        await readings.refresh([7])
        assert await trio.to_thread.run_sync(hangs.wait, 30)
        await readings.refresh([8])
        assert reads == [7]  # One thread hangs, and no second one joins it.
    finally:
        let_go.set()
    with trio.fail_after(30):
        while not readings.latest:
            monkeypatch.setattr(memory, "read_memory", lambda pid: Memory(pid, pid))
            await readings.refresh([9])
            await trio.sleep(0.01)
    assert readings.latest == {9: Memory(9, 9)}
