"""What a prompt asks of the stand-in, and what must become of such a request when nothing else befalls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from .truths import Truth, died

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

_ASKED = "failed as asked"
_OUR_DEATH = r"70: demo: dying, as the prompt asked"


@frozen
class Course:
    """How a request goes."""

    wish: str
    """The directives; a `{word}` in them is the request's own."""
    weight: int
    """How often it is drawn."""
    whole: bool = True
    """Whether a whole answer is a truth, or else a lie."""
    truths: tuple[Truth, ...] = ()
    """What may be said besides."""


def _says(status: int, message: str) -> tuple[Truth, ...]:
    return (Truth(status, message, _ASKED),)


def _fails(wish: str, weight: int, *truths: Truth) -> Course:
    return Course(wish, weight, whole=False, truths=truths)


def _silent(what: str, seconds: float) -> Truth:
    return Truth(504, rf"the claude process gave no {what} within {seconds:g} s", _ASKED, least=seconds)


def _nonsense(size: str) -> Truth:
    return Truth(502, rf"the claude process wrote a line of {size} bytes that is not JSON.*", _ASKED)


_DEATH = died(_OUR_DEATH.partition(":")[0])
_LOST = Truth(502, r"The CLI got no answer from the API: Connection.*", _ASKED)
_BOTH = (_silent("first event", 1.5), _silent("event", 1.5))

COURSES: tuple[Course, ...] = (
    Course("", 30),
    Course("gap=0.01", 10),
    Course("deltas=40; gap=0.01", 8),
    Course("delay=0.4", 4),
    Course("deltas=3000", 3),
    Course("thinking=hm; gap=0.01", 3),
    Course("stop=max_tokens; gap=0.01", 3),
    # What goes wrong when all has been said, or harms nobody.
    Course("die=after_result", 3),
    Course("no_rewind", 2),
    # Whether the wrong answer comes before the end of the right one is left to chance.
    Course(
        "wrong_id", 2, truths=_says(502, "the claude process answered a control request that was not made")
    ),
    Course("ignore_term; no_rewind", 1),
    Course("flood_stderr=200000", 2),
    Course("long_line=1000000; at=5", 2),
    # What the API behind the CLI refuses or breaks off.
    _fails("status=400; message={word} is no good", 2, *_says(400, "{word} is no good")),
    _fails("status=429; message={word} is no good", 2, *_says(429, "{word} is no good")),
    _fails("status=500; message={word} is no good", 2, *_says(500, "{word} is no good")),
    _fails("status=529; delay=0.2; message={word} is no good", 2, *_says(529, "{word} is no good")),
    _fails(
        "error=overloaded_error; at=5; gap=0.02; message={word} is no good",
        2,
        *_says(529, "{word} is no good"),
    ),
    _fails("error=api_error; at=0; message={word} is no good", 2, *_says(500, "{word} is no good")),
    _fails("cut; at=0", 1, _LOST),
    _fails("cut; at=5; gap=0.02", 2, _LOST),
    # What goes wrong in the CLI itself.
    _fails("die=before_init", 1, _DEATH),
    _fails("die=before_first", 2, _DEATH),
    _fails("die=mid_stream; at=0", 1, _DEATH),
    _fails("die=mid_stream; at=5; gap=0.02", 3, _DEATH),
    _fails("half_line; at=5; gap=0.02", 2, _DEATH),
    _fails("garbage; at=0", 1, _nonsense("20")),
    _fails("garbage; at=5; gap=0.02", 2, _nonsense("20")),
    _fails("bad_utf8; at=5; gap=0.02", 2, _nonsense("26")),
    _fails("hang; at=0", 1, *_BOTH),
    _fails("hang; at=5; gap=0.02", 2, *_BOTH),
    _fails("freeze; at=5; gap=0.02", 1, *_BOTH),
    _fails("freeze; ignore_term; at=5", 1, *_BOTH),
    _fails("freeze=before_init", 1, _silent("sign that it takes up the turn", 1.5)),
)

ENDLESS = _fails(
    "endless_line; at=5", 0, Truth(502, r"the claude process wrote a line longer than \d+ bytes", _ASKED)
)
"""It costs a second of everybody's, so it is drawn now and then only."""

UNFINISHED: tuple[str, ...] = ("hang; at=5; gap=0.01", "delay=5", "deltas=200; gap=0.02")
"""What those ask for who leave."""

BROKEN_STARTS: Mapping[str, str] = {
    "exit": "echo no luck >&2; exit 3",
    "death": "kill -9 $$",
    "nonsense": "echo nonsense",
    "slow": "sleep 0.7",
    "hang": "exec sleep 30",
}
"""How a start goes wrong, as lines of a shell's."""


def draw_course(random: Random) -> Course:
    """One of them, each as often as it is to be."""
    if random.random() < 0.002:
        return ENDLESS
    return random.choices(COURSES, [course.weight for course in COURSES])[0]
