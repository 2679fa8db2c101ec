"""What each source gives: one flat sequence of values, none believed yet, and of problems."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import attrs

from ccproxy_trio.settings._convert import STRICT, TEXT, parse_json
from ccproxy_trio.settings._errors import Problem
from ccproxy_trio.settings._option import Option, show, show_name
from ccproxy_trio.settings._values import OPTIONS, SECTIONS

if TYPE_CHECKING:
    import cattrs

_VARIABLES = {option.variable: option for option in OPTIONS.values()}


@attrs.frozen
class Given:
    """A value that a source gives for an option, not yet converted or checked."""

    option: Option
    origin: str
    value: object
    converter: cattrs.Converter


Findings: TypeAlias = Iterator[Given | Problem]


def in_document(document: object, label: str) -> Findings:
    """Go through a whole file, whose messages begin with `label`."""
    if not isinstance(document, Mapping):
        yield Problem(label, f"found {show(document)}", f"a table of the sections {', '.join(SECTIONS)}")
        return
    for section, table in document.items():
        where = f"{label}: {show_name(section)}"
        if section not in SECTIONS:
            yield unknown(where, section, "section", tuple(SECTIONS), elsewhere=True)
        elif not isinstance(table, Mapping):
            yield Problem(where, f"found {show(table)}", "a table of options")
        else:
            yield from _in_table(section, table, f"{where}.")


def in_environment(environ: Mapping[str, str]) -> Findings:
    """Go through the environment: whole sections first, so that the single variables after them win."""
    for section in SECTIONS:
        if (text := environ.get(section.upper())) is not None:
            yield from _in_section_variable(section, text)
    for variable in sorted(environ):
        section, separator, _ = variable.partition("__")
        if not separator or section.lower() not in SECTIONS:
            continue
        where = f"environment variable {show_name(variable)}"
        if variable in _VARIABLES:
            yield Given(_VARIABLES[variable], where, environ[variable], TEXT)
        else:
            known = [name for name in _VARIABLES if name.startswith(f"{section.upper()}__")]
            yield unknown(where, variable.upper(), "option", known)


def in_flags(flags: Mapping[str, object]) -> Findings:
    """Go through the flags, by key: text is parsed, a tuple holds what a repeated flag was given."""
    for key, value in flags.items():
        if (option := OPTIONS.get(key)) is None:
            yield unknown(f"flag for {key}", key, "option", tuple(OPTIONS))
            continue
        where = f"flag {option.off_flag if value is False else option.flag}"
        if isinstance(value, tuple) and option.is_list:
            yield Given(option, where, list(value), STRICT)
        elif isinstance(value, tuple):
            yield from _in_pairs(option, value, where)
        else:
            yield Given(option, where, value, TEXT if isinstance(value, str) else STRICT)


def _in_table(section: str, table: Mapping[str, object], prefix: str) -> Findings:
    known = [option.name for option in OPTIONS.values() if option.section == section]
    for name, value in table.items():
        where = prefix + show_name(name)
        if name in known:
            yield Given(OPTIONS[f"{section}.{name}"], where, value, STRICT)
        else:
            yield unknown(where, name, "option", known, elsewhere=True)


def _in_section_variable(section: str, text: str) -> Findings:
    where = f"environment variable {section.upper()}"
    allowed = 'a JSON object of options, such as {"name": value}'
    try:
        table = parse_json(text)
    except ValueError as error:
        yield Problem(where, f"found {_shown(section, text)}, which is not JSON ({error})", allowed)
        return
    if isinstance(table, dict):
        yield from _in_table(section, table, f"{where}: ")
    else:
        yield Problem(where, f"found {_shown(section, table)}", allowed)


def _shown(section: str, value: object) -> str:
    """What a whole section was said to be; where that may hold a secret, no word of it."""
    secret = any(option.secret for option in OPTIONS.values() if option.section == section)
    return "a value that is not shown here" if secret else show(value)


def _in_pairs(option: Option, pairs: tuple[object, ...], where: str) -> Findings:
    table: dict[str, str] = {}
    for pair in pairs:
        name, separator, text = str(pair).partition("=")
        if not separator:
            yield Problem(where, f"found {show(pair)}", "name=model")
        elif name in table:
            yield Problem(where, f"found {show(name)} twice", "each name once")
        else:
            table[name] = text
    yield Given(option, where, table, STRICT)


def unknown(
    where: str, name: str, noun: str, known: list[str] | tuple[str, ...], *, elsewhere: bool = False
) -> Problem:
    """Report `name`, which is not among `known`; it may be meant for another place if `elsewhere`."""
    nearest = difflib.get_close_matches(name, known, n=1)
    if not nearest and elsewhere:
        nearest = [key for key, option in OPTIONS.items() if option.name == name]
    if nearest:
        return Problem(where, f"no such {noun}", nearest=nearest[0])
    return Problem(where, f"no such {noun}", ", ".join(known))
