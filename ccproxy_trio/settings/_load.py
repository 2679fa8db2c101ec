"""Loading: every value of every source is converted and checked, then the strongest source wins, key by key.

A wrong value is a problem even where a stronger source covers it: to take a flag away never uncovers one.
"""

from __future__ import annotations

from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ccproxy_trio.settings._convert import TEXT, parse_json
from ccproxy_trio.settings._errors import Problem, SettingsError
from ccproxy_trio.settings._files import find_file, read_file
from ccproxy_trio.settings._records import convert_records
from ccproxy_trio.settings._sources import Given, in_environment, in_flags
from ccproxy_trio.settings._values import (
    OPTIONS,
    ClaudeSettings,
    LogSettings,
    OpenAISettings,
    PoolSettings,
    ServerSettings,
    Settings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_AT_MOST = (
    ("pool_settings.min_size", "pool_settings.max_size"),
    ("pool_settings.min_fresh", "pool_settings.max_size"),
)
"""Pairs of which the first may not exceed the second."""

_NO_FLAGS: Mapping[str, object] = MappingProxyType({})


def load(
    *,
    config: Path | None = None,
    environ: Mapping[str, str],
    flags: Mapping[str, object] = _NO_FLAGS,
    cwd: Path,
) -> Settings:
    """Merge flags (by key, such as `server.port`) over environment over one file over defaults.

    `config` names the file; without it CONFIG_FILE does, or it is searched for from `cwd`, which is
    absolute. Raises `SettingsError` with every problem that any of the sources has.
    """
    file = find_file(config, environ, cwd)
    values: dict[str, Any] = {key: option.default for key, option in OPTIONS.items()}
    origins: dict[str, str] = {}
    problems: list[Problem] = []
    refused: set[str] = set()
    # In rising order of strength: what comes later replaces what came before.
    for found in chain(read_file(file) if file is not None else (), in_environment(environ), in_flags(flags)):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        key = found.option.key
        value, wrong = _convert(found)
        if wrong:
            problems += wrong
            refused.add(key)
        else:
            values[key] = value
            origins[key] = found.origin
    problems += [
        _excess(low, high, values, origins)
        for low, high in _AT_MOST
        if refused.isdisjoint((low, high)) and values[low] > values[high]
    ]
    if problems:
        raise SettingsError(problems)
    return Settings(
        pool_settings=PoolSettings(**_section("pool_settings", values)),
        server=ServerSettings(**_section("server", values)),
        claude=ClaudeSettings(**_section("claude", values)),
        openai=OpenAISettings(**_section("openai", values)),
        log=LogSettings(**_section("log", values)),
        file=None if file is None else file.path,
        origins=MappingProxyType(origins),
    )


def _section(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {option.name: values[key] for key, option in OPTIONS.items() if option.section == section}


def _convert(given: Given) -> tuple[object, list[Problem]]:
    option = given.option
    try:
        if (record := option.record) is not None:
            table = parse_json(str(given.value)) if given.converter is TEXT else given.value
            return convert_records(option, record, table, given.origin)
        value = given.converter.structure(given.value, option.kind)
        if option.allows(value):
            return value, []
    except ValueError:
        pass
    return None, [Problem(given.origin, f"found {option.show(given.value)}", option.allowed)]


def _excess(low: str, high: str, values: Mapping[str, Any], origins: Mapping[str, str]) -> Problem:
    """Blame the one of the two that the operator has set, and name the other's value and origin."""
    if low in origins:
        at_fault, other, bound = low, high, "at most"
    else:
        at_fault, other, bound = high, low, "at least"
    return Problem(
        origins[at_fault],
        f"found {values[at_fault]}",
        f"{bound} {other}, which is {values[other]} ({origins.get(other, 'default')})",
    )
