"""The same run again: trio's scheduler, and `random`, from a seed.

The mock clock alone is not deterministic. Tasks that can run at the same moment form a batch, and trio shuffles each
batch on purpose, so that nobody comes to rely on an order. With a seed it is still shuffled, but always the same way.
"""

from __future__ import annotations

import importlib
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

import trio
import trio.testing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_SWITCH = "_ALLOW_DETERMINISTIC_SCHEDULING"


@contextmanager
def seeded_scheduler(seed: int) -> Generator[None]:
    """Make trio's scheduling repeatable within a `with` block, as trio's own tests do; put all back after it.

    Seeds the module `random` too: the pool draws its `lifetime_jitter` there, and retries often their delays. What
    comes from elsewhere (threads, real I/O, the real clock) is not repeatable.

    It is for the whole process: one such block at a time, around `trio.run` or within it.
    """
    scheduler, dice = _internals()
    switch, order, chance = getattr(scheduler, _SWITCH), dice.getstate(), random.getstate()
    setattr(scheduler, _SWITCH, True)
    dice.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        setattr(scheduler, _SWITCH, switch)
        dice.setstate(order)
        random.setstate(chance)


def run_seeded(main: Callable[[*Ts], Awaitable[T]], *arguments: *Ts, seed: int = 0) -> T:
    """`trio.run(main, *arguments)` on a mock clock of its own that starts at 0 and jumps, with the scheduler seeded.

    An exception gets a note that names the seed.
    """
    with seeded_scheduler(seed):
        try:
            return trio.run(main, *arguments, clock=trio.testing.MockClock(autojump_threshold=0))
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


def _internals() -> tuple[Any, random.Random]:
    """The module with trio's switch, and its source of chance; both private, and used by trio's tests and plugins."""
    scheduler: Any = importlib.import_module("trio._core._run")
    dice: object = getattr(scheduler, "_r", None)
    if not hasattr(scheduler, _SWITCH) or not isinstance(dice, random.Random):
        raise RuntimeError(
            f"trio {trio.__version__} has changed inside: its scheduler cannot be seeded this way"
        )
    return scheduler, dice
