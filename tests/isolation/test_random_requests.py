"""Nothing of one request is in another's: thousands of them on few instances, whatever becomes of them.

Some are answered, some end at a call of a tool, some fail, some are left by their client while they wait, before the
first byte or in the middle; over the stand-in some instances fail, too. ISOLATION_SCALE is how many times as many
requests are sent as usual; with `-s` it is told what was done.
"""

from __future__ import annotations

import logging
import os
import sys
from random import Random

import pytest

from ccproxy_trio.pool import RetireReason
from tests.isolation.drawing import FAULTS, draw
from tests.isolation.run import KEYRING, Run, check_nothing_left, check_upstream
from tests.server.proxy import Backend, open_proxy

SCALE = int(os.environ.get("ISOLATION_SCALE", "1"))
OVER_CLI, OVER_STAND_IN = 30, 300

pytestmark = pytest.mark.timeout(60 * SCALE)


@pytest.mark.cli
async def test_over_the_real_cli(cli: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    random = Random(SCALE)
    drawn = [draw(random, number, {}) for number in range(OVER_CLI * SCALE)]
    async with open_proxy(cli, pool={"min_size": 3, "max_size": 3}, server={"keys": KEYRING}) as proxy:
        run = Run(proxy, random)
        await run.ask_all(drawn)
        assert run.left
        tell(run, check_upstream(run, drawn))
        check_nothing_left(cli.environ["HOME"], caplog)
        # Every conversation was rewound, whatever became of it: instances end only to make room for another prompt.
        statistics = proxy.statistics
        assert statistics.last_error is None
        ended = (RetireReason.UNFIT, RetireReason.USES)
        assert statistics.created == 3 + sum(statistics.retired.get(reason, 0) for reason in ended)
    check_nothing_left(cli.environ["HOME"], caplog)


async def test_over_the_stand_in(demo: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    random = Random(SCALE)
    drawn = [draw(random, number, FAULTS) for number in range(OVER_STAND_IN * SCALE)]
    async with open_proxy(demo, pool={"min_size": 3, "max_size": 3}, server={"keys": KEYRING}) as proxy:
        run = Run(proxy, random)
        await run.ask_all(drawn)
        assert run.left
        tell(run)
        check_nothing_left(demo.environ["HOME"], caplog)
    check_nothing_left(demo.environ["HOME"], caplog)


def tell(run: Run, upstream: int | None = None) -> None:
    """How much was done, for who looks on."""
    said = f"{run.asked} requests, {run.left} left by their client, {len(run.counted)} counts of tokens, "
    said += f"{run.compared} answers compared with all that the model was given"
    sys.stdout.write(said + (f", {upstream} bodies upstream\n" if upstream else "\n"))
