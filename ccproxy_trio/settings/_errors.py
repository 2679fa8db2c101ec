"""What can be wrong with the settings. All is found before any of it is told: one start shows everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence


@attrs.frozen
class Problem:
    """One thing that is wrong; `str()` of it is the line that the operator reads."""

    where: str
    """The file and key, the variable's name, or the flag."""
    what: str
    """What was found there."""
    allowed: str = ""
    """What may stand there instead."""
    nearest: str = ""
    """The known name that was probably meant."""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.nearest:
            text += f"; did you mean {self.nearest}?"
        return text


class SettingsError(Exception):
    """The settings cannot be used; `problems` has every reason."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n  ".join([f"{count} with the settings:", *map(str, self.problems)]))
