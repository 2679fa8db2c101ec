"""To test what uses a pool, and the pool itself: resources that break on command, and runs that can be repeated.

    factory = GatedFactory(connect, Gates(create=in_turn(error, error, ok)))
    async with open_pool(factory, check=factory.check) as pool:
        ...                              # the third attempt succeeds
        factory.gates.check = never      # from now on no check ends
        ...
        await wait_quiescent(pool)
    factory.assert_clean()

Nothing here needs pytest; `ccproxy_trio.pytest_plugin` offers it as fixtures. docs/testing.md teaches it, and
docs/testing-reference.md lists it.
"""

from __future__ import annotations

from ._chaos import Chaos as Chaos
from ._chaos import open_chaos as open_chaos
from ._factory import GatedFactory as GatedFactory
from ._factory import Record as Record
from ._gates import Gate as Gate
from ._gates import Gates as Gates
from ._gates import die_later as die_later
from ._gates import drawn as drawn
from ._gates import error as error
from ._gates import in_turn as in_turn
from ._gates import never as never
from ._gates import ok as ok
from ._gates import raises as raises
from ._gates import slow as slow
from ._rest import Measured as Measured
from ._rest import assert_adds_up as assert_adds_up
from ._rest import assert_quiescent as assert_quiescent
from ._rest import wait_quiescent as wait_quiescent
from ._scheduler import run_seeded as run_seeded
from ._scheduler import seeded_scheduler as seeded_scheduler

__all__ = [
    "Chaos",
    "Gate",
    "GatedFactory",
    "Gates",
    "Measured",
    "Record",
    "assert_adds_up",
    "assert_quiescent",
    "die_later",
    "drawn",
    "error",
    "in_turn",
    "never",
    "ok",
    "open_chaos",
    "raises",
    "run_seeded",
    "seeded_scheduler",
    "slow",
    "wait_quiescent",
]
