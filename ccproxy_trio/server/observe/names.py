"""The names that records bear: few in all, and none that a client made up.

Metrics have a series for each name, and logs are read by people and their programs. So a name is one that the server
knows: a model of the settings or of the CLI's own short names, or one from which an answer has come.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ccproxy_trio.claude_pool import ClaudePool

OTHER: Final = "other"
"""Whatever else it is."""

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
_SHORT = frozenset({"default", "opus", "sonnet", "haiku"})
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,79}")
_MOST = 100


def name_method(method: str) -> str:
    """A method's name."""
    return method if method in _METHODS else OTHER


class ModelNames:
    """The models that an answer has come from."""

    def __init__(self) -> None:
        self._answered: set[str] = set()

    def name(self, claude: ClaudePool, model: str, *, answered: bool) -> str:
        """The name of what the CLI was asked for; `answered` tells whether an answer came from there."""
        known = model in _SHORT or model in claude.models.values() or model in self._answered
        if not known and answered and len(self._answered) < _MOST and _MODEL.fullmatch(model):
            self._answered.add(model)
            known = True
        return model if known else OTHER
