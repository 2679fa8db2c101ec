"""Wrong in the choice: which of the resources is lent, and how long and how often each is."""

from __future__ import annotations

from tests.pool.mutate import Mutation

CHOOSING = [
    Mutation(
        "LIFO turned to FIFO",
        "_lending.py",
        "resting[-1] if resting",
        "resting[0] if resting",
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
]
