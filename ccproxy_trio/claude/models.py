"""The CLI's own list of models, from its answer to `list_models`: pure parsing.

The CLI lists choices for its users: an alias, the model that it stands for now, and words about it. Several may stand
for one model, which is one model here. The API's name for a model is taken from the words where they hold it, as the
displayed name is often no more than the alias.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from ccproxy_trio.dialects.models import LONG_CONTEXT, Model

from .errors import InstanceNonsense

_DEFAULT = "default"
_NAME = re.compile(r"[A-Z][a-z]+ \d+(?:\.\d+)*")  # "Opus 5.5"
_CURRENTLY = re.compile(r"\(currently ([^)]+)\)")


@frozen
class _Choice:
    alias: str
    model: str
    shown: str
    about: str

    def names(self) -> list[str]:
        """The model's full name, as often as the words hold it; at the API it has the maker's before it."""
        currently = _CURRENTLY.search(self.about)
        places = (self.about.partition(" · ")[0], self.shown, currently[1] if currently else "")
        return [f"Claude {place}" for place in places if _NAME.fullmatch(place)]


def parse_models(response: dict[str, Any]) -> tuple[Model, ...]:
    """The models in the CLI's order, each once.

    Raises InstanceNonsense, naming the place, for what is no such list.
    """
    entries = response.get("models")
    if not isinstance(entries, list) or not entries:
        raise InstanceNonsense("the claude process listed no models")
    found: dict[str, list[_Choice]] = {}
    for index, entry in enumerate(entries):
        choice = _parse_choice(entry, f"models.{index}")
        found.setdefault(choice.model, []).append(choice)
    return tuple(_merge(model, choices) for model, choices in found.items())


def _parse_choice(entry: object, path: str) -> _Choice:
    if not isinstance(entry, dict):
        raise InstanceNonsense(f"the claude process listed a model that is no object, at {path}")
    alias = _text(entry, "value", path)
    model = _text(entry, "resolvedModel", path) if "resolvedModel" in entry else alias
    if not alias or not model:
        raise InstanceNonsense(f"the claude process listed a model without a name, at {path}")
    return _Choice(
        alias.removesuffix(LONG_CONTEXT).lower(),
        model.removesuffix(LONG_CONTEXT),
        _text(entry, "displayName", path),
        _text(entry, "description", path),
    )


def _text(entry: dict[str, Any], key: str, path: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise InstanceNonsense(f"the claude process listed a model without a proper {key}, at {path}")
    return value


def _merge(model: str, choices: list[_Choice]) -> Model:
    told = sorted(choices, key=lambda choice: choice.alias == _DEFAULT)  # which says the least
    name = next((name for choice in told for name in choice.names()), model)
    aliases = dict.fromkeys(choice.alias for choice in choices if choice.alias != model)
    return Model(model, name, tuple(aliases))
