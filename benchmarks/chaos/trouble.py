"""What befalls instances from outside: signals to whatever children the server has, and starts that fail."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from .faults import BROKEN_STARTS
from .processes import children_of, shoot

if TYPE_CHECKING:
    from random import Random

    from .server import Server

_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)
_DEADLY = (signal.SIGKILL, signal.SIGTERM)


@define
class Trouble:
    """What has been done."""

    shots: Counter[signal.Signals] = field(factory=Counter)
    broken: Counter[str] = field(factory=Counter)
    """For how many whiles starts failed, and how."""

    @property
    def deadly(self) -> int:
        """Shots that may have killed."""
        return sum(self.shots[number] for number in _DEADLY)

    async def shoot(self, server: Server, random: Random) -> None:
        """At instances that are idle, starting, at work or ending, now and then."""
        while True:
            await trio.sleep(random.uniform(0.3, 3))
            number, chance = random.choice(_SIGNALS), random.random()
            children = sorted(children_of(server.pid))
            if children and shoot(children[int(chance * len(children))], server.pid, number):
                self.shots[number] += 1

    async def break_starts(self, server: Server, random: Random) -> None:
        """For a while, and then not for a while. Whoever ends this mends them."""
        while True:
            await trio.sleep(random.uniform(4, 10))
            name = random.choice(list(BROKEN_STARTS))
            self.broken[name] += 1
            server.break_starts(BROKEN_STARTS[name])
            await trio.sleep(random.uniform(0.3, 3))
            server.mend_starts()
