"""Small actors for the tests: borrow for a while, see the gauges add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio
import trio.testing

from ccproxy_trio.pool.testing import assert_adds_up as assert_adds_up

if TYPE_CHECKING:
    from ccproxy_trio.pool import Pool
    from tests.pool.workshop import Thing


async def borrow(
    pool: Pool[Thing],
    seconds: float = 0,
    *,
    log: list[tuple[Any, float, int]] | None = None,
    mark: Any = None,
    **options: Any,
) -> int:
    """Hold a thing for a time; note (mark, when it was had, which); its number."""
    async with pool.acquire(**options) as lease:
        if log is not None:
            log.append((mark, trio.current_time(), lease.value.number))
        await trio.sleep(seconds)
        return lease.value.number


async def settle() -> None:
    """Let everything that is due at this moment happen."""
    await trio.testing.wait_all_tasks_blocked()
