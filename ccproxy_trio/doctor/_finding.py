"""What a check has found."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

State: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


@frozen
class Finding:
    """One line for the operator, and what to do about it."""

    check: str
    """The check's name: one word."""
    state: State
    """A failure keeps a server from starting or serving; a warning is less than what the settings ask for."""
    text: str
    remedy: str = ""
    """What to do; empty when there is nothing to be done."""
    details: Mapping[str, Any] = field(factory=lambda: MappingProxyType({}), kw_only=True)
    """The numbers in it, for programs."""

    @property
    def as_json(self) -> dict[str, Any]:
        """The finding as JSON has it."""
        return {
            "check": self.check,
            "state": self.state,
            "text": self.text,
            "remedy": self.remedy,
            "details": dict(self.details),
        }
