"""Wrong in the care: what is done to a resource without a bound, a look at the result or a shield; and the end."""

from __future__ import annotations

from tests.pool.mutate import Mutation

KEEPING = [
    Mutation(
        "an unbounded create",
        "_keeper.py",
        "trio.current_time() + engine.config.create_timeout",
        "math.inf",
        "a hung start holds its slot for ever (spiceai#12606)",
    ),
    Mutation(
        "an unbounded check",
        "_keeper.py",
        "engine.config.check_timeout, ",
        "math.inf, ",
        "a hung check holds its slot for ever",
    ),
    Mutation(
        "an unbounded reset",
        "_keeper.py",
        "engine.config.reset_timeout, ",
        "math.inf, ",
        "a hung return holds its slot for ever (sqlx PR#4350)",
    ),
    Mutation(
        "an unbounded close",
        "_keeper.py",
        "trio.current_time() + engine.config.close_timeout",
        "math.inf",
        "the pool never ends",
    ),
    Mutation(
        "a check's result ignored",
        "_keeper.py",
        "engine.was_checked(slot, error)",
        "engine.was_checked(slot, None)",
        "what is broken is lent",
    ),
    Mutation(
        "a reset's result ignored",
        "_keeper.py",
        "engine.was_reset(slot, error)",
        "engine.was_reset(slot, None)",
        "one borrower sees what another left",
    ),
    Mutation(
        "cancel_called in place of what came of it",
        "_keeper.py",
        "        if scope.cancelled_caught:\n            error =",
        "        if scope.cancel_called:\n            error =",
        "a check that ended at the last tick has ended",
    ),
    Mutation(
        "what is ready too late is handed out",
        "_keeper.py",
        "        await trio.lowlevel.checkpoint_if_cancelled()\n",
        "",
        "it is cancelled in the borrower's hands",
    ),
    Mutation(
        "the dying stay in circulation",
        "_engine.py",
        '        if slot.state != "retiring":\n            self.roster.move(slot, "retiring")\n',
        "",
        "a dead resource is lent",
    ),
    Mutation(
        "keepers can be cancelled from outside",
        "_keeper.py",
        "trio.CancelScope(shield=True)",
        "trio.CancelScope()",
        "no resource is closed in order",
    ),
    Mutation(
        "aclose can be cancelled",
        "_pool.py",
        "            with trio.CancelScope(shield=True):  #",
        "            with trio.CancelScope():  #",
        "it returns with resources open",
    ),
    Mutation(
        "closing leaves the starting to themselves",
        "_engine.py",
        "                slot.scope.cancel()\n",
        "                pass\n",
        "the end waits for a start (sqlx#3217)",
    ),
    Mutation(
        "closing forgets who waits",
        "_engine.py",
        "            waiter.deliver(Closed())\n",
        "            pass\n",
        "they wait for a pool that is gone",
    ),
    Mutation(
        "keepers inherit context variables",
        "_pool.py",
        "context.copy().run(",
        "contextvars.copy_context().run(",
        "a resource for all is made in the name of one request",
    ),
    Mutation(
        "an observer's error let through",
        "_stock.py",
        '                logger.exception("pool %r: an observer failed on %r", self.name, event)\n',
        "                raise\n",
        "whoever only looks breaks the pool",
    ),
]
