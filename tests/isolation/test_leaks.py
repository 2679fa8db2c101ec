"""The tests of isolation, tested: what they are to notice is done on purpose, and one of them fails each time."""

from __future__ import annotations

import json
import logging
from random import Random
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from tests.isolation.drawing import draw
from tests.isolation.leaks import LEAKS, skip_initialize, skip_the_rewind, tell_settings_once
from tests.isolation.run import KEYRING, Run, check_nothing_left, check_upstream
from tests.isolation.test_equal_requests import test_one_after_the_other as ask_equally
from tests.isolation.test_random_requests import SCALE
from tests.server.proxy import Backend, open_proxy

if TYPE_CHECKING:
    from tests.isolation.drawing import Outcome
    from tests.isolation.leaks import Leak, Witness

OVER_STAND_IN, OVER_CLI = 40, 12 * SCALE
OFTEN: dict[Witness, dict[str, tuple[Outcome, int]]] = {
    "stubborn": {"[[no_rewind]]": ("whole", 40)},
    "flooded": {"[[deltas=2000]]": ("whole", 100)},
}
"""What there is more of than usual, for a leak that shows there alone."""
TRIES = 8
"""Runs in which a leak must be noticed once: in a short one, who comes after whom on an instance is chance."""
SHOWN_OVER_CLI = (skip_the_rewind, tell_settings_once, skip_initialize)
"""Those that are looked for over the real CLI, too; with ISOLATION_SCALE above 1 all are that it has."""


async def look(backend: Backend, witness: Witness, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """What the other tests do, for a short while."""
    if witness == "equal":
        await ask_equally(backend)
        return
    caplog.set_level(logging.DEBUG)
    random = Random(seed)
    count = OVER_STAND_IN if backend.demo else OVER_CLI
    drawn = [draw(random, number, OFTEN.get(witness, {})) for number in range(count)]
    if witness == "flooded":
        drawn[::2] = [evolve(each, pieces=1, outcome="either") for each in drawn[::2]]
    async with open_proxy(backend, pool={"min_size": 2, "max_size": 2}, server={"keys": KEYRING}) as proxy:
        run = Run(proxy, random)
        await run.ask_all(drawn)
        if proxy.api is not None:
            check_upstream(run, drawn)
        check_nothing_left(backend.environ["HOME"], caplog)


async def check_noticed(
    leak: Leak, backend: Backend, patch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    leak(patch)
    noticed = False
    for seed in range(TRIES):
        try:
            await look(backend, LEAKS[leak], seed, caplog)
        except* (
            AssertionError,
            json.JSONDecodeError,
        ):  # the latter of an answer that is not what was asked for
            noticed = True
        if noticed:
            return
    pytest.fail(f"nobody has noticed: {leak.__doc__}")


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
async def test_is_noticed(
    demo: Backend, leak: Leak, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await check_noticed(leak, demo, monkeypatch, caplog)


@pytest.mark.cli
@pytest.mark.parametrize(
    "leak",
    [
        each
        for each, witness in LEAKS.items()
        if each in SHOWN_OVER_CLI or (SCALE > 1 and witness != "stubborn")
    ],
    ids=lambda leak: leak.__name__,
)
async def test_is_noticed_over_the_real_cli(
    cli: Backend, leak: Leak, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await check_noticed(leak, cli, monkeypatch, caplog)


@pytest.mark.parametrize("witness", sorted(set(LEAKS.values())))
async def test_without_a_leak_nothing_is_noticed(
    demo: Backend, witness: Witness, caplog: pytest.LogCaptureFixture
) -> None:
    await look(demo, witness, TRIES, caplog)
