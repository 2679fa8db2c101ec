"""Showing the table once, or again and again until Ctrl-C.

Rules:
* On a terminal each table takes the place of the one before: the cursor goes up as many lines as were written, and no
  line is longer than the terminal is wide. Nothing about the terminal is changed, so nothing has to be put back,
  however this ends.
* A server that does not answer is waited for; one that refuses is not.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
import unicodedata
from typing import TYPE_CHECKING

import click

from ccproxy_trio.watch._fetch import NotOurs, Refused, Unreachable, fetch
from ccproxy_trio.watch._table import Line, Snapshot, draw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccproxy_trio.watch._fetch import Place

_PAGE = "/pool/stats"


def run(place: Place, *, repeat: float | None, wants_key: str) -> int:
    """Show the table, every `repeat` seconds or once. The exit status: 0, or 1 when there was nothing to show.

    `wants_key` is what to tell of where a key would be read from.
    """
    screen = _Screen()
    last: Snapshot | None = None
    try:
        while True:
            try:
                snapshot = Snapshot.of(time.monotonic(), fetch(place, _PAGE))
                screen.show([*_head(place, repeat), *draw(snapshot, last)])
                last = snapshot
            except Refused as error:
                click.echo(f"{error}\n  Put a key of this server into {wants_key}.", err=True)
                return 1
            except (Unreachable, NotOurs) as error:
                if repeat is None:
                    click.echo(f"{error}\n  Is it running? Another place is told by --url.", err=True)
                    return 1
                screen.show([*_head(place, repeat), Line(f"{error}; trying again", "red"), *_past(last)])
            if repeat is None:
                return 0
            time.sleep(repeat)
    except KeyboardInterrupt:
        if repeat is None:
            raise
        return 0


def _head(place: Place, repeat: float | None) -> Iterator[Line]:
    when = time.strftime("%H:%M:%S")
    how = "" if repeat is None else f"   every {repeat:g} s, Ctrl-C ends"
    yield Line(f"{place}   {when}{how}", "cyan")
    yield Line("")


def _past(last: Snapshot | None) -> Iterator[Line]:
    if last is not None:
        yield Line("what it told last:")
        yield from draw(last)


class _Screen:
    """Where tables are shown."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._coloured = not os.environ.get("NO_COLOR")
        self._height = 0

    def show(self, lines: list[Line]) -> None:
        """Put the lines in the place of those before, if there is such a thing."""
        if not self._live:
            click.echo("".join(f"{line.text}\n" for line in lines))
            return
        width, height = shutil.get_terminal_size()
        shown = lines[: max(1, height - 1)]
        up = f"\x1b[{self._height}A" if self._height else ""
        text = "".join(self._style(line, max(1, width - 1)) + "\n" for line in shown)
        click.echo(f"{up}\r\x1b[J{text}", nl=False, color=True)
        self._height = len(shown)

    def _style(self, line: Line, columns: int) -> str:
        text = cut(line.text, columns)
        return click.style(text, fg=line.colour, bold=line.bold) if self._coloured else text


def cut(text: str, columns: int) -> str:
    """As much of the text as a terminal shows in so many columns, of which some letters take two.

    Where they are too few, what stands apart in columns of a table moves together first.
    """
    if len(text) > columns:
        text = re.sub(" {3,}", "  ", text)
    for index, letter in enumerate(text):
        columns -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if columns < 0:
            return text[:index]
    return text
