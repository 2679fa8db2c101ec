"""Tables of records, such as `server.keys`: by name, a table with options of its own.

Each mistake in such a table is told by itself, with the place of the very option; and what is secret is not shown,
nor a name that is none, as it may be a secret that stands in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from ccproxy_trio.settings._convert import STRICT
from ccproxy_trio.settings._errors import Problem
from ccproxy_trio.settings._option import show_name
from ccproxy_trio.settings._sources import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ccproxy_trio.settings._option import Option


def convert_records(
    option: Option, make: Callable[..., Any], table: object, origin: str
) -> tuple[Mapping[str, Any], list[Problem]]:
    """The records of a decoded table by name, and all that is wrong with it; `origin` is where it stands."""
    if not isinstance(table, Mapping):
        return {}, [Problem(origin, f"found {option.show(table)}", option.allowed)]
    # A variable that holds nothing but the table has no name of it for the path to go on from.
    prefix = f"{origin}." if origin.endswith(option.name) else f"{origin}: "
    records: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, values in table.items():
        if not re.fullmatch(option.pattern, name):
            allowed = "a letter or digit, and then up to 38 of letters, digits, and . _ @ -"
            problems.append(Problem(origin, f"found a name of {len(name)} characters", allowed))
            continue
        where = prefix + show_name(name)
        found, wrong = _convert_record(option, values, where)
        problems += wrong
        if not wrong:
            records[name] = make(**found)
    return MappingProxyType(records), problems + list(_repeated(option, records, prefix))


def _convert_record(option: Option, values: object, where: str) -> tuple[dict[str, Any], list[Problem]]:
    if not isinstance(values, Mapping):
        return {}, [Problem(where, f"found {option.show(values)}", f"a table of {', '.join(option.members)}")]
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        member = option.members.get(name)
        place = f"{where}.{show_name(name)}"
        if member is None:
            problems.append(unknown(place, name, "option", tuple(option.members)))
            continue
        try:
            found[name] = STRICT.structure(value, member.kind)
            if not member.allows(found[name]):
                raise ValueError
        except ValueError:
            problems.append(Problem(place, f"found {member.show(value)}", member.allowed))
    problems += [
        Problem(where, f"found no {name}", f"{name} = {member.allowed}")
        for name, member in option.members.items()
        if member.default is attrs.NOTHING and name not in values
    ]
    return found, problems


def _repeated(option: Option, records: Mapping[str, Any], prefix: str) -> Iterator[Problem]:
    """Secrets are what their holders are told apart by."""
    for secret in (name for name, member in option.members.items() if member.secret):
        holders: dict[object, str] = {}
        for name, record in records.items():
            first = holders.setdefault(getattr(record, secret), name)
            if first != name:
                place = f"{prefix}{show_name(name)}.{secret}"
                yield Problem(place, f"found the same as for {show_name(first)}", "another for each")
