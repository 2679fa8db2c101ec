"""What can go wrong in a pool, done to this one on purpose: the tests must notice each.

`python -m tests.pool.mutants` prints who was caught by what; a survivor is a failure. Most of these were real bugs of
other pools. Give names to try only some.
"""

from __future__ import annotations

import sys

import trio

from tests.pool.mutate import Mutation, Verdict, judge_all

MUTATIONS = [
    Mutation(
        "a checkpoint after the hand-off",
        "_lease.py",
        "        self._slot = slot\n        lease = ",
        "        await trio.lowlevel.checkpoint()\n        self._slot = slot\n        lease = ",
        "cancelled there, the resource is nobody's (asyncpg#547)",
    ),
    Mutation(
        "finally dropped in the acquire",
        "_waiters.py",
        "        finally:\n            waiter.channel = None\n",
        "        except ZeroDivisionError:\n            waiter.channel = None\n",
        "who was cancelled waits on as a ghost",
    ),
    Mutation(
        "a release that awaits",
        "_lease.py",
        "            self._slot = None\n",
        "            await trio.lowlevel.checkpoint()\n            self._slot = None\n",
        "cancelled there, the resource is never given back",
    ),
    Mutation(
        "a cancellation swallowed",
        "_lease.py",
        "            engine.emit(_acquire_failed(engine, waiter, None))\n        raise\n",
        "            engine.emit(_acquire_failed(engine, waiter, None))\n        answer = None\n",
        "the fix of psycopg#509 did that",
    ),
    Mutation(
        "a hand-over that is not atomic",
        "_waiters.py",
        "trio.open_memory_channel[Answer[T]](0)",
        "trio.open_memory_channel[Answer[T]](1)",
        "what is delivered to one who is leaving is lost",
    ),
    Mutation(
        "a hand-over to an expired waiter",
        "_lending.py",
        "            if now >= waiter.deadline:\n",
        "            if now > waiter.deadline + 1e9:\n",
        "throughput zero under load (vitess#20310)",
    ),
    Mutation(
        "who comes last is served first",
        "_lending.py",
        "        for waiter in self._in_turn(slot):\n",
        "        for waiter in reversed(list(self._in_turn(slot))):\n",
        "the first in line may never be served",
    ),
    Mutation(
        "whoever has most is served first",
        "_policy.py",
        "    return leases, last_served\n",
        "    return -leases, last_served\n",
        "one tenant's flood starves the others",
    ),
    Mutation(
        "equals are served in the order of their coming",
        "_policy.py",
        "    return leases, last_served\n",
        "    return leases, 0\n",
        "one resource serves one tenant until it has had enough",
    ),
    Mutation(
        "what comes free counts as had",
        "_lending.py",
        " and slot is not free)\n",
        ")\n",
        "who gives it back is held to have it still",
    ),
    Mutation(
        "a full line is full for all",
        "_policy.py",
        "    return mine + 1 < most or (mine == 0 and sooner)\n",
        "    return False\n",
        "one tenant's flood shuts the others out",
    ),
    Mutation(
        "whoever has fewer in the line takes a place",
        "_policy.py",
        "    return mine + 1 < most or (mine == 0 and sooner)\n",
        "    return mine < most\n",
        "two tenants push each other out of it, again and again",
    ),
    Mutation(
        "who is put out of the line is not told",
        "_lending.py",
        "        waiter.deliver(Full())\n",
        "",
        "it waits for nothing",
    ),
    Mutation(
        "the overtaken are never cared for",
        "_policy.py",
        "    if overtaken_for < overtake_limit or census.pausing:\n",
        "    if overtaken_for >= 0:\n",
        "one whom nothing fits waits as long as others come",
    ),
    Mutation(
        "what comes free is not handed over",
        "_lending.py",
        "        if not self.line or not self._hand_over(slot, now):\n",
        "        if True:\n",
        "it rests while they wait (bb8#122)",
    ),
    Mutation(
        "off by one at max_size",
        "_policy.py",
        "        return self.max_size - self.starting",
        "        return 1 + self.max_size - self.starting",
        "the limit is hard",
    ),
    Mutation(
        "starting resources do not count",
        "_policy.py",
        "self.max_size - self.starting - self.alive",
        "self.max_size - self.alive",
        "a burst grows the pool beyond its limit",
    ),
    Mutation(
        "a slot is free before its close has ended",
        "_policy.py",
        " - self.alive - self.retiring\n",
        " - self.alive\n",
        "there are more processes than max_size (pgx#1259)",
    ),
    Mutation(
        "a slot that comes free tells nobody",
        "_engine.py",
        "            self.empty.set()\n        self.pump()\n",
        "            self.empty.set()\n",
        "capacity was freed and nobody woken (commons-pool PR#346)",
    ),
    Mutation(
        "no refill after a death",
        "_engine.py",
        "            self.pump()\n\n    def gone(",
        "            pass\n\n    def gone(",
        "its replacement waits until it has closed",
    ),
    Mutation(
        "a failed creation wakes no waiter",
        "_policy.py",
        "    return max(0, waiting - census.starting)\n",
        "    return 0\n",
        "they wait out their timeouts for nothing",
    ),
    Mutation(
        "a failing factory is not tried again",
        "_stock.py",
        "        if policy.starts_needed(census):\n            self.wake_at_end_of_pause()\n",
        "",
        "nothing is created any more, though it would work",
    ),
    Mutation(
        "back-off dropped",
        "_stock.py",
        "            self.backoff = before.failed(now)\n",
        "            self.backoff = before\n",
        "a broken factory is called in a busy loop (node-pool#183)",
    ),
    Mutation(
        "back-off does not grow",
        "_policy.py",
        "self.delay * 2 if self.delay else self.first",
        "self.first",
        "a factory that stays broken is hammered",
    ),
    Mutation(
        "death at birth is no failure",
        "_engine.py",
        "slot.id > self.newest_at_death:\n",
        "slot.id < 0:\n",
        "what dies at once is made again at once, for ever (node-pool#197)",
    ),
    Mutation(
        "max_starting ignored",
        "_policy.py",
        "census.pausing or census.starting >= limit:",
        "census.pausing:",
        "a burst starts everything at once",
    ),
    Mutation(
        "the need is not looked at again",
        "_keeper.py",
        "                if engine.still_wanted(slot):\n",
        "                if not engine.closing:\n",
        "bursts grow the pool for nothing (HikariCP#774)",
    ),
    Mutation(
        "the timeout begins when the wait does",
        "_lease.py",
        "            deadline = start + self._timeout\n",
        "            deadline = trio.current_time() + self._timeout\n",
        "it is one timeout for the whole acquire (knex#1694)",
    ),
    Mutation(
        "max_waiting off by one",
        "_lease.py",
        "len(engine.line) >= engine.config.max_waiting\n",
        "len(engine.line) > engine.config.max_waiting\n",
        "it is a limit",
    ),
    Mutation(
        "LIFO turned to FIFO",
        "_slots.py",
        "reversed(self.resting)",
        "list(self.resting)",
        "all are used in turn, and none is ever idle for long",
    ),
    Mutation(
        "a check makes a resource look used",
        "_engine.py",
        "            slot.seen_well = now\n            self.offer(slot, now)\n",
        "            slot.since = slot.seen_well = now\n            self.offer(slot, now)\n",
        "it is never closed for being idle",
    ),
    Mutation(
        "idle clean-up goes below min_size",
        "_policy.py",
        "    if alive <= min_size or",
        "    if alive < min_size or",
        "what is closed has to be created again",
    ),
    Mutation(
        "the best fit is any fit",
        "_policy.py",
        "highest is None or score > highest",
        "highest is None",
        "a fresh one is spent where a bound one would do",
    ),
    Mutation(
        "an old resource is handed over",
        "_lending.py",
        "            if slot is None or now < slot.expires:\n",
        "            if True:\n",
        "max_lifetime is the last second in which it is lent",
    ),
    Mutation(
        "one lease too many",
        "_policy.py",
        "    if uses >= max_uses:\n",
        "    if uses > max_uses:\n",
        "single use is used twice",
    ),
    Mutation(
        "what a reset takes is not counted",
        "_engine.py",
        "        slot.seen_well = now\n        if reason is None and error",
        "        slot.since = slot.seen_well = now\n        if reason is None and error",
        "whoever is refused is told to come back too early",
    ),
    Mutation(
        "replace_all forgets what is leased",
        "_stock.py",
        "        self.generation += 1\n",
        "",
        "it comes back and stays",
    ),
    Mutation(
        "one by one, all that come back go",
        "_stock.py",
        "            and (self.rolling is None or policy.may_replace(self.census())),\n",
        ",\n",
        "a burst waits for fresh ones",
    ),
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
        '        if slot.state != "retiring":\n            self.withdraw(slot)\n',
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


def table(verdicts: list[Verdict]) -> str:
    """Who was caught by what."""
    rows = [("mutant", "killed by", "seconds")]
    rows += [(v.name, v.killed_by or "NOBODY", f"{v.seconds:.1f}") for v in verdicts[1:]]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{name:{first}}  {test:{second}}  {seconds:>7}" for name, test, seconds in rows)


def survivors(verdicts: list[Verdict]) -> list[str]:
    """Those that no test noticed."""
    return [verdict.name for verdict in verdicts[1:] if verdict.killed_by is None]


def main(names: list[str]) -> str | None:
    """Print the table; what is wrong, if anything is."""
    verdicts = trio.run(judge_all, [m for m in MUTATIONS if not names or m.name in names])
    unchanged = verdicts[0]
    if unchanged.killed_by is not None:
        return f"The tests fail without any mutation: {unchanged.killed_by}"
    sys.stdout.write(table(verdicts) + "\n")
    alive = survivors(verdicts)
    return f"Survivors: {', '.join(alive)}" if alive else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
