"""Storms by the hundred: hypothesis draws the plans, and of those that break the pool it finds the smallest.

The same plans are drawn at each run. `STORM_SEED=7 pytest tests/pool/test_storm.py` draws others.
"""

from __future__ import annotations

import logging
import math
import os
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import trio
from hypothesis import strategies as st
from trio.testing import MockClock

from ccproxy_trio.pool import NullPool, Pool, PoolConfig
from tests.pool.storm import Plan, Visit, run

if TYPE_CHECKING:
    from collections.abc import Callable

PLANS = 1_000
"""Plans a test may use at most; about a third are enough."""
SEED = os.environ.get("STORM_SEED")

outcomes = st.lists(
    st.sampled_from((*[0, 1, "at once"] * 6, 2, "error", "error", "never", "deaf")), min_size=1, max_size=12
)
seconds = st.integers(0, 3)
sizes = st.tuples(st.integers(0, 2), st.integers(1, 4))


def visits(tags: list[str | None], tenants: list[str | None]) -> st.SearchStrategy[list[Visit]]:
    """The round of a client."""
    visit = st.builds(
        Visit,
        pause=st.integers(0, 1),
        times=st.sampled_from((1, 2, 5, 20, 50)),
        patience=st.sampled_from((math.inf, 8, 4, 3, 2, 1)),
        work=st.sampled_from((0, 0, 0, 1, 2)),
        tag=st.sampled_from(tags),
        tenant=st.sampled_from(tenants),
        ending=st.sampled_from((*["returns"] * 9, "raises", "retires", "kills")),
    )
    return st.lists(visit, min_size=1, max_size=4)


@st.composite
def configs(draw: st.DrawFn, busy: bool) -> PoolConfig:
    """Small sizes and short times."""
    low, high = draw(sizes.map(sorted))
    housekeeping: dict[str, Any] = {"idle_timeout": math.inf, "health_check_interval": math.inf}
    if busy:
        housekeeping = {
            "idle_timeout": draw(seconds),
            "health_check_interval": draw(st.integers(1, 4)),
            "max_lifetime": draw(st.sampled_from((5, 15, math.inf))),
        }
    return PoolConfig(
        min_size=low,
        max_size=high,
        acquire_timeout=draw(st.sampled_from((2, 1, 4, 8, math.inf))),
        min_fresh=draw(st.sampled_from((0, 0, 1))),
        max_waiting=draw(st.sampled_from((math.inf, math.inf, 1, 3))),
        max_starting=draw(st.integers(1, 4)),
        create_timeout=draw(st.integers(1, 3)),
        check_timeout=draw(st.integers(1, 2)),
        reset_timeout=draw(st.integers(1, 2)),
        close_timeout=draw(st.integers(1, 2)),
        max_uses=draw(st.sampled_from((math.inf, math.inf, 5, 1))),
        retire_on_error=draw(st.booleans()),
        check_after_idle=draw(st.integers(0, 2)),
        create_backoff=(draw(st.sampled_from((1, 2))), 2),
        overtake_limit=draw(seconds),
        **housekeeping,
    )


@st.composite
def plans(draw: st.DrawFn, *, busy: bool, fits: bool, fair: bool) -> Plan:
    """Anything that can happen, in small integers."""
    tags: list[str | None] = ["a", "b", "c", None] if fits else [None]
    tenants: list[str | None] = ["x", "y", None] if fair else [None]
    return Plan(
        seed=draw(st.integers(0, 2**16)),
        config=draw(configs(busy)),
        create=draw(outcomes),
        check=draw(st.just([]) | outcomes),
        reset=draw(st.just([]) | outcomes),
        close=draw(outcomes),
        clients=draw(st.lists(visits(tags, tenants), min_size=4, max_size=8)),
        cancels=draw(
            st.lists(
                st.tuples(st.sampled_from((1, 0, 2, 4)), st.integers(0, 8), st.integers(0, 7)),
                min_size=1,
                max_size=8,
            ).filter(lambda cancels: any(wait for wait, _, _ in cancels))
        ),
        kills=draw(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), min_size=1, max_size=5)),
        changes=draw(st.lists(st.tuples(st.integers(1, 20), st.none() | sizes), max_size=5 if busy else 0)),
        ends=draw(st.sampled_from(("calm", "calm", "calm", "closed", "cancelled"))),
        ends_at=draw(st.integers(1, 40)),
        grace=draw(st.integers(0, 5)),
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("busy", [False, True], ids=["quiet", "busy"])
@pytest.mark.parametrize(
    ("kind", "fits", "fair", "share"),
    # How many leases each has to give; all eight together give more than 100,000.
    [
        (Pool, False, False, 15_000),
        (Pool, False, True, 10_000),
        (Pool, True, True, 20_000),
        (NullPool, False, True, 5_500),
    ],
    ids=["pool", "tenants", "fit", "null"],
)
def test_storm(
    kind: type[Pool[Any]],
    fits: bool,
    fair: bool,
    share: int,
    busy: bool,
    record_property: Callable[[str, object], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, logger="ccproxy_trio.pool")  # That creations fail is news to nobody here.
    leases, passed, broken = 0, 0, False

    @hypothesis.settings(
        max_examples=PLANS,
        derandomize=SEED is None,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(plans(busy=busy, fits=fits, fair=fair))
    def blow(plan: Plan) -> None:
        nonlocal leases, passed, broken
        if leases >= share and not broken:
            return
        try:
            log = trio.run(run, plan, kind, clock=MockClock(autojump_threshold=0))
        except BaseException:
            broken = True  # From now on hypothesis looks for a smaller plan.
            raise
        leases += log.leases
        passed += log.passed

    if SEED is not None:
        blow = hypothesis.seed(int(SEED))(blow)
    blow()
    record_property("leases", leases)
    assert leases >= share
    assert (passed > share / 100) is fair
