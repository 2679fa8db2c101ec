"""The settings in force, told option by option with where each value came from, and no secret."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from ccproxy_trio.settings._values import OPTIONS

if TYPE_CHECKING:
    from ccproxy_trio.settings._option import Option
    from ccproxy_trio.settings._values import Settings

HIDDEN = "(hidden)"
"""What stands in the place of a secret."""


@attrs.frozen
class Effective:
    """One option as it counts."""

    key: str
    value: Any
    """As JSON has it: a table is a dict, a moment a text, `inf` the text "inf". Secrets are `HIDDEN`."""
    origin: str
    """The file and key, the variable, or the flag; "default" when nobody has set it."""


def list_effective(settings: Settings) -> tuple[Effective, ...]:
    """Every option, in order."""
    return tuple(
        Effective(
            key, _tell(option, getattr(getattr(settings, option.section), option.name)), settings.origin(key)
        )
        for key, option in OPTIONS.items()
    )


def _tell(option: Option, value: Any) -> Any:
    if option.record is not None:
        members = option.members
        return {
            name: {field: _tell(member, getattr(record, field)) for field, member in members.items()}
            for name, record in value.items()
        }
    if option.secret and value:
        return HIDDEN
    match value:
        case Mapping():
            return dict(value)
        case tuple():
            return list(value)
        case datetime():
            return value.isoformat()
        case float() if math.isinf(value):
            return "inf"
        case _:
            return value
