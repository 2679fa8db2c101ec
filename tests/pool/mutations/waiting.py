"""Wrong in the line: who waits, for how long, who is served next, and what happens on the way into its hands."""

from __future__ import annotations

from tests.pool.mutate import Mutation

WAITING = [
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
]
