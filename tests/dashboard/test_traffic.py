"""The numbers of late: what counts, how it is summed up, and that it is bounded."""

from __future__ import annotations

import pytest

from ccproxy_trio.server.dashboard import traffic as module
from ccproxy_trio.server.dashboard.traffic import KEPT, MINUTE, STEP, Request, Traffic, rank

NOTHING = (0, 0, -1, -1, -1, -1)


def ended(at: float, **known: float) -> Request:
    return Request(at, known.get("failed", False) != 0, known.get("first"), known.get("waited"))


def test_moments_and_the_last_minute() -> None:
    traffic = Traffic()
    start = 3 * STEP
    assert traffic.moments(start, start) == {}
    assert traffic.minute(start) == NOTHING
    traffic.add(ended(start + 1, first=0.5, waited=0.25))
    traffic.add(ended(start + 2, first=1.5, failed=1))
    one = (2, 1, 0.5, 1.5, 0.25, 0.25)
    assert traffic.moments(start, start + 2) == {"0.000": one}
    traffic.add(ended(start + 10 * STEP))
    now = start + 10 * STEP
    assert traffic.moments(start, now) == {"0.000": one, f"{10 * STEP:.3f}": (1, 0, -1, -1, -1, -1)}
    assert traffic.minute(now) == (3, 1, 0.5, 1.5, 0.25, 0.25)
    assert traffic.minute(start + 1.5 + MINUTE) == (1, 0, 1.5, 1.5, -1, -1)
    assert traffic.minute(now + MINUTE + 1) == NOTHING


def test_old_moments_are_not_told() -> None:
    traffic = Traffic()
    traffic.add(ended(0.0))
    assert traffic.moments(0.0, (KEPT - 1) * STEP) == {"0.000": (1, 0, -1, -1, -1, -1)}
    assert traffic.moments(0.0, KEPT * STEP) == {}


def test_it_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    traffic = Traffic()
    for number in range(3 * KEPT):
        for _ in range(20):
            traffic.add(ended(number * STEP, first=0.1))
    told = traffic.moments(0.0, 3 * KEPT * STEP)
    assert len(told) <= KEPT
    assert {point[0] for point in told.values()} == {20}
    assert len(traffic._latest) == len(traffic._current) == 10


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [(0, 50, -1), (1, 95, 1), (2, 50, 1), (20, 95, 19), (21, 95, 20), (3, 50, 2)],
)
def test_ranks(count: int, percent: int, expected: float) -> None:
    assert rank(range(1, count + 1), percent) == expected
