"""A request at random: what is asked, how, by whom, and all that may truly become of it."""

from __future__ import annotations

from random import Random
from typing import Literal

from attrs import evolve, frozen

from .faults import UNFINISHED, Course, draw_course
from .mistakes import EXPIRED_KEY, MISTAKES, NO_KEY, NO_MODEL, UNSPOKEN, WRONG_KEY, Mistake
from .numbers import EXPIRED, FORBIDDEN_MODEL, FREE, LIMITED, UNKNOWN
from .truths import OF_INSTANCES, OF_THE_POOL, OVER_LIMITS, Truth

Dialect = Literal["messages", "chat", "responses", "count", "models"]
Stage = Literal["", "connected", "head", "body", "time", "bytes", "half"]

STREAMING: tuple[Dialect, ...] = ("messages", "chat", "responses")
DIALECTS: tuple[Dialect, ...] = (*STREAMING, "count", "models")
_SYSTEMS = ("", "", "", "", "", "Be brief.")
_MODELS = ("sonnet", "sonnet", "haiku", "claude-sonnet-5-5")


@frozen
class Leaving:
    """When a client leaves; at no stage, if it stays."""

    stage: Stage = ""
    after: float = 0.0
    """A part of the head or body, seconds, or bytes of the answer."""
    rudely: bool = False
    """By a reset of the connection."""


@frozen
class Asked:
    """One request."""

    number: int
    key: str
    dialect: Dialect
    stream: bool
    course: Course
    model: str = "sonnet"
    system: str = ""
    turns: int = 1
    """Messages in all, the last of which is asked."""
    padding: int = 0
    """Characters more in each."""
    dump: bool = False
    """Ask what has reached the CLI."""
    tool: bool = False
    """Have a tool called."""
    mistake: Mistake | None = None
    slowly: float = 0.0
    """Seconds between two reads of a little."""
    leaving: Leaving = Leaving()
    keep: bool = False
    """Let the next request have the same connection."""

    @property
    def word(self) -> str:
        """It is in this request, and in no other."""
        return word(self.number)

    @property
    def openai(self) -> bool:
        """Whether it must be answered in the way of OpenAI's."""
        return self.dialect in ("chat", "responses") and not (self.mistake and self.mistake.raw)

    @property
    def truths(self) -> tuple[Truth, ...]:
        """What may be said in the place of a whole answer."""
        limits = OVER_LIMITS if self.key == LIMITED else ()
        match self.key:
            case "":
                return (NO_KEY,)
            case key if key == UNKNOWN:
                return (WRONG_KEY,)
            case key if key == EXPIRED:
                return (EXPIRED_KEY,)
        if self.mistake is not None:
            return (self.mistake.truth,) if self.mistake.raw else (self.mistake.truth, *limits)
        own = (NO_MODEL,) if self.forbidden else self.course.truths
        filled = tuple(
            evolve(truth, message=truth.message.format(word=self.word))
            if "{word}" in truth.message
            else truth
            for truth in own
        )
        return (*filled, *limits, *OF_THE_POOL, *OF_INSTANCES)

    @property
    def forbidden(self) -> bool:
        """Whether its key may not use its model."""
        return self.key == LIMITED and self.model == FORBIDDEN_MODEL

    @property
    def whole(self) -> bool:
        """Whether a whole answer may come."""
        allowed = self.key in (FREE, LIMITED) and self.mistake is None and not self.forbidden
        return allowed and self.course.whole


def word(number: int) -> str:
    """The one of the request with this number."""
    return f"chaos-{number:07}"


def draw(seed: int, number: int, key: str) -> Asked:
    """The request with this number, from whoever has `key`."""
    random = Random(f"{seed}/{number}")
    dialect = random.choice(STREAMING * 4 + DIALECTS[3:])
    asked = Asked(
        number, key, dialect, stream=random.random() < 0.6, course=Course("", 0), keep=random.random() < 0.5
    )
    chance = random.random()
    if chance < 0.08:
        return _mistaken(random, asked)
    if chance < 0.11:
        padding = random.choice((0, 150_000))  # which is refused before it has been read
        return evolve(asked, key=random.choice(("", UNKNOWN, EXPIRED)), padding=padding)
    if dialect not in STREAMING:
        return evolve(asked, stream=False, turns=random.choice((1, 3)))
    asked = evolve(
        asked,
        course=draw_course(random),
        model=FORBIDDEN_MODEL if random.random() < 0.03 else random.choice(_MODELS),
        system=random.choice(_SYSTEMS),
        turns=random.choice((1, 1, 1, 2, 3, 5)),
        padding=random.choice((0, 0, 0, 0, 0, 300, 10_000, 150_000)),
    )
    if chance < 0.26:
        return _leaving(random, asked)
    if chance < 0.28:
        return evolve(
            asked,
            course=Course("deltas=6000", 0),
            slowly=random.choice((0.002, 0.01, 0.03)),
            stream=True,
            keep=False,
        )
    if chance < 0.38:
        return evolve(asked, course=Course("tool=look; rounds=9; gap=0.005", 0), tool=True)
    if chance < 0.48:
        return evolve(asked, course=Course("dump", 0), dump=True, turns=random.choice((2, 3, 5)))
    return asked


def _mistaken(random: Random, asked: Asked) -> Asked:
    if random.random() < 0.3:
        return evolve(asked, mistake=random.choice(UNSPOKEN), keep=False)
    if asked.dialect not in STREAMING:
        asked = evolve(asked, dialect="messages")
    return evolve(asked, mistake=random.choice(MISTAKES), keep=False)


def _leaving(random: Random, asked: Asked) -> Asked:
    stage: Stage = random.choice(
        ("connected", "head", "body", "time", "time", "time", "bytes", "bytes", "half")
    )
    after = {"bytes": random.randrange(2000), "time": random.choice((0.01, 0.1, 1.0)) * random.random()}
    wish = random.choice(UNFINISHED) if stage in ("half", "time") else "deltas=200; gap=0.02"
    leaving = Leaving(stage, after.get(stage, random.random()), rudely=random.random() < 0.5)
    return evolve(asked, course=Course(wish, 0, whole=stage == "bytes"), leaving=leaving, keep=False)
