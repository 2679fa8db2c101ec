"""What changes in a server that runs when its settings are read again: pure.

What can only count from the next start on keeps its value, and its origin, so that the settings in force are told as
they are; and it is named each time, for as long as it differs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import attrs

from ccproxy_trio.settings._errors import Problem, SettingsError
from ccproxy_trio.settings._values import OPTIONS, SECTIONS, Settings


@attrs.frozen
class Change:
    """The settings to put in force, and what is new about them."""

    settings: Settings
    changed: tuple[str, ...]
    """Keys of the options whose values are other ones than before."""
    waiting: tuple[str, ...]
    """Keys of those whose new values need a restart."""


def compare(running: Settings, loaded: Settings) -> Change:
    """Put `loaded` over the settings of a running server, as far as that can be done.

    Raises SettingsError when `running` came from a file and none is found any more: without it the server would go
    on with no keys.
    """
    if running.file is not None and loaded.file is None:
        raise SettingsError(
            [Problem(str(running.file), "it is gone, and there is no other file of settings")]
        )
    differing = [key for key in OPTIONS if _value(running, key) != _value(loaded, key)]
    waiting = tuple(key for key in differing if OPTIONS[key].effect == "restart")
    sections: dict[str, Any] = {
        section: attrs.evolve(
            getattr(loaded, section),
            **{OPTIONS[key].name: _value(running, key) for key in waiting if OPTIONS[key].section == section},
        )
        for section in SECTIONS
    }
    origins = {
        key: origin
        for key in OPTIONS
        if (origin := (running if key in waiting else loaded).origin(key)) != "default"
    }
    settings = Settings(**sections, file=loaded.file, origins=MappingProxyType(origins))
    return Change(settings, tuple(key for key in differing if key not in waiting), waiting)


def _value(settings: Settings, key: str) -> object:
    option = OPTIONS[key]
    return getattr(getattr(settings, option.section), option.name)
