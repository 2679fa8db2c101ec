"""Wrong in the size: how many there are, when one more is created, and what a creation that fails leads to."""

from __future__ import annotations

from tests.pool.mutate import Mutation

GROWING = [
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
]
