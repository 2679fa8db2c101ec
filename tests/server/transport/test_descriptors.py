"""The limit of file descriptors: raised for as many connections as were asked for, as far as it can be."""

from __future__ import annotations

import resource

import pytest

from ccproxy_trio.server.transport import ensure_descriptors
from ccproxy_trio.server.transport.descriptors import OF_AN_INSTANCE, OWN

OTHERS = OWN + 10 * OF_AN_INSTANCE
NEVER = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("before", "after", "connections"),
    [
        ((1024, 4096), (2000 + OTHERS, 4096), 2000),
        ((1024, NEVER), (2000 + OTHERS, NEVER), 2000),
        ((1024, 1500), (1500, 1500), 1500 - OTHERS),
        ((20, 20), (20, 20), 1),
        ((5000, 5000), (5000, 5000), 2000),
        ((NEVER, NEVER), (NEVER, NEVER), 2000),
    ],
)
def test_what_there_may_be(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    before: tuple[int, int],
    after: tuple[int, int],
    connections: int,
) -> None:
    limits = [before]
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, to: limits.append(to))
    assert ensure_descriptors(2000, 10) == connections
    assert limits[-1] == after
    said = f"server.max_connections is 2000, but there can be {connections}: "
    assert (said in caplog.text) == (connections < 2000)
