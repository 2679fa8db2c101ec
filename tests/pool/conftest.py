"""What every test of the pool runs on: a seeded scheduler, and one fixture for both kinds of pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ccproxy_trio.pool import open_null_pool, open_pool
from ccproxy_trio.pool.testing import seeded_scheduler
from tests.pool.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Make trio's scheduling repeatable."""
    with seeded_scheduler(7):
        yield


@pytest.fixture
def shop() -> Workshop:
    """A maker of resources that work."""
    return Workshop()


@pytest.fixture(params=[open_pool, open_null_pool], ids=["pool", "null"])
def open_any(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Both kinds of pool: what both promise is tested on both."""
    return request.param


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many leases the storms gave."""
    passed: list[pytest.TestReport] = terminalreporter.getreports("passed")
    leases = sum(value for report in passed for name, value in report.user_properties if name == "leases")
    if leases:
        terminalreporter.write_line(f"{leases:,} leases in storms")
