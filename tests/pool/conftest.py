"""What every test of the pool runs on: a scheduler whose shuffling is seeded, and one fixture for both kinds of pool.

The mock clock alone is not deterministic: trio shuffles each batch of runnable tasks on purpose.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
import trio._core._run as scheduler

from ccproxy_trio.pool import open_null_pool, open_pool
from tests.pool.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make trio's scheduling repeatable, as trio's own tests do."""
    monkeypatch.setattr(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    scheduler._r.seed(7)
    random.seed(7)


@pytest.fixture
def shop() -> Workshop:
    """A maker of resources that work."""
    return Workshop()


@pytest.fixture(params=[open_pool, open_null_pool], ids=["pool", "null"])
def open_any(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Both kinds of pool: what both promise is tested on both."""
    return request.param
