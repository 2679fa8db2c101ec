"""What a caller may ask for: the models that its key names.

A key names models as its callers do: by any of a model's names, by a name that the settings give to one, or by a
pattern of such. What a request calls a model by may be another of its names; one that stands for no permitted model,
or for none that is known, is refused.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from attrs import frozen
from quart import g

from ccproxy_trio.dialects.failures import Failure

from .asking import terms
from .failures import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.dialects.models import Model


@frozen
class Caller:
    """Whoever has a key."""

    name: str
    """The key's name."""
    models: tuple[str, ...] = ()
    """Names and patterns of the models that it may use; all, if there are none."""

    def may_use(self, names: Iterable[str], claude: ClaudePool) -> bool:
        """Whether one of a model's names is among those that are permitted."""
        permitted = {*self.models, *map(claude.resolve, self.models)}
        return not self.models or any(name in permitted or _fits(name, self.models) for name in names)


async def permit(claude: ClaudePool, model: str) -> None:
    """Let whoever asks use the model that a request gets by this name. Raises Refused."""
    caller: Caller | None = g.caller
    if caller is None or caller.may_use((model, claude.resolve(model)), claude):
        return
    found = await claude.find_model(model, **terms())
    if found is None or not caller.may_use(_names(found), claude):
        raise Refused(Failure(403, f"this key may not use the model: {model}"))


async def list_permitted(claude: ClaudePool) -> tuple[Model, ...]:
    """The models that whoever asks may use."""
    caller: Caller | None = g.caller
    models = await claude.list_models(**terms())
    return tuple(model for model in models if caller is None or caller.may_use(_names(model), claude))


def _names(model: Model) -> tuple[str, ...]:
    return (model.id, *model.aliases)


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
