"""The reference of the settings, written from their classes: `python -m tests.docs.reference` writes the page.

Nothing stands there that is not read off an option; what is written by hand is in docs/configuration.md.
"""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import attrs

from ccproxy_trio.settings import OPTIONS, SECTIONS, Option, show
from tests.docs.pages import DOCS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = DOCS / "configuration-reference.md"

_INTRODUCTION = """\
# Configuration reference

Every option of every section. [Configuration](configuration.md) tells where they can be set, and what wins over what.
This page is written from the program's own settings by `python -m tests.docs.reference`; a test holds it to them.
"""

_EFFECTS = {
    "now": "counts at once",
    "renewal": "counts at once, and the instances are replaced",
    "restart": "needs a restart",
}

_WIDTH = 118


def write_reference() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_sections(), *_effects()])


def _sections() -> Iterator[str]:
    for section, values in SECTIONS.items():
        yield f"## `[{section}]`\n\n{(values.__doc__ or '').strip()}\n"
        for option in OPTIONS.values():
            if option.section == section:
                yield _entry(option, option.key)
                for member in option.members.values():
                    yield _entry(member, f"{option.key}.NAME.{member.name}")


def _entry(option: Option, heading: str) -> str:
    facts = [f"Default: {_default(option)}", f"Allowed: {option.allowed}"]
    if option.has_variable:
        facts += [_sources(option), f"A change {_EFFECTS[option.effect]}"]
    meaning = fill(option.meaning, _WIDTH, break_long_words=False, break_on_hyphens=False)
    listed = "\n".join(
        fill(fact, _WIDTH, initial_indent="* ", subsequent_indent="  ", break_on_hyphens=False)
        for fact in facts
    )
    return f"### `{heading}`\n\n{meaning}\n\n{listed}\n"


def _default(option: Option) -> str:
    if option.default is attrs.NOTHING:
        return "none; it is required"
    return "none" if option.default is None else f"`{show(option.default)}`"


def _sources(option: Option) -> str:
    if option.secret:
        return f"Variable: `{option.variable}`; no flag"
    flags = f"`{option.flag}`"
    if option.kind is bool:
        flags += f" and `{option.off_flag}`"
    return f"Variable: `{option.variable}`; flag: {flags}"


def _effects() -> Iterator[str]:
    yield "## What a running server takes over\n"
    yield "At [SIGHUP](reload.md) the settings are read again. Any change but of these options simply counts:\n"
    yield "| Option | A change |\n|---|---|"
    for key, option in OPTIONS.items():
        if option.effect != "now":
            yield f"| `{key}` | {_EFFECTS[option.effect]} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(write_reference(), encoding="utf-8")
