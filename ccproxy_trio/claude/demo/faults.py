"""How the child itself fails when a prompt asks it to, besides what `answer` can do.

At event `at`:

=======================  ==========================================================================
die=mid_stream           exit with code 70; also die=before_init, die=before_first and die=after_result
garbage                  a line that is no JSON, then go on
bad_utf8                 a line of JSON that is no UTF-8, then go on
long_line=BYTES          a line of so many bytes in a frame of an unknown type, then go on
half_line                half a frame without its newline, then exit with code 70
endless_line             a line that never ends
freeze                   stop reading and writing for ever, alive; also freeze=before_init
flood_stderr=BYTES       first write so much to stderr
=======================  ==========================================================================

and these change it from that turn on:

=======================  ==========================================================================
wrong_id                 answer control requests under another request_id
no_rewind                refuse every rewind
ignore_term              outlive SIGTERM and the end of stdin
=======================  ==========================================================================
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from .directives import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BREAKS = (
    *("error", "cut", "hang", "freeze", "die"),
    *("garbage", "bad_utf8", "half_line", "long_line", "endless_line"),
)
"""The directives that take effect at event `at`."""
_EXIT_CODE = 70


@dataclass
class Faults:
    """What directives have broken for the rest of the process's life."""

    wrong_id: bool = False
    no_rewind: bool = False
    ignore_term: bool = False

    def learn(self, wish: Mapping[str, Any]) -> None:
        self.wrong_id |= bool(wish.get("wrong_id"))
        self.no_rewind |= bool(wish.get("no_rewind"))
        self.ignore_term |= bool(wish.get("ignore_term"))


def break_down(wish: Mapping[str, Any]) -> Iterator[float | bytes]:
    """What is said, and how long is waited, at event `at`; it may not come back."""
    if wish.get("die") == "mid_stream":
        yield from die()
    if "garbage" in wish:
        yield b"this line is no JSON\n"
    if "bad_utf8" in wish:
        yield b'{"type":"unheard","x":"\xff"}\n'
    if "long_line" in wish:
        size = int(number(wish, "long_line", 0, least=0, most=2**30))
        yield b'{"type":"unheard","x":"' + b"x" * size + b'"}\n'
    # What must not be followed by an answer to a control request is written here, and not by who drives the turn.
    if "half_line" in wish:
        os.write(1, b'{"type":"stream_event","event":{"ty')
        _exit()
    while "endless_line" in wish:
        os.write(1, b"x" * 65536)
    while "freeze" in wish:
        time.sleep(3600)
    while "hang" in wish:
        yield math.inf


def fail_before_init(wish: Mapping[str, Any]) -> None:
    """Take up no turn."""
    if wish.get("die") == "before_init":
        _exit()
    while wish.get("freeze") == "before_init":
        time.sleep(3600)


def die() -> Iterator[float]:
    """Exit, as a crash would."""
    yield 0.0  # what was said so far goes out first
    _exit()


def _exit() -> NoReturn:
    os.write(2, b"demo: dying, as the prompt asked\n")
    os._exit(_EXIT_CODE)


def flood_stderr(wish: Mapping[str, Any]) -> None:
    size = int(number(wish, "flood_stderr", 0, least=0, most=2**30))
    line = b"demo: noise on stderr, as the prompt asked\n"
    for _ in range(0, size, len(line)):
        os.write(2, line)
