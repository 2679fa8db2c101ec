"""A model that can be asked for, said in no dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

LONG_CONTEXT = "[1m]"
"""What the CLI's users write behind a model's name for a longer context. The API's names do not have it."""


@frozen
class Model:
    """One model. Two names for the same model are aliases of one."""

    id: str
    """The API's own name for it."""
    name: str
    """For people."""
    aliases: tuple[str, ...] = ()
    """Short names that a request may give for it."""

    def answers_to(self, name: str) -> bool:
        """Whether a request that names `name` is for this model."""
        name = name.removesuffix(LONG_CONTEXT)
        return name == self.id or name.lower() in self.aliases


def find_model(models: Iterable[Model], name: str) -> Model | None:
    """The first of `models` that answers to `name`."""
    return next((model for model in models if model.answers_to(name)), None)
