"""The models that a client may name, as GET /v1/models and GET /v1/models/{id} tell them in OpenAI's shape.

OpenAI's models have no name beside their id, so that the display name has no place here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

OWNER = "anthropic"


def model_list(models: Iterable[tuple[str, str]], created: int) -> dict[str, Any]:
    """The list of models, each given as its id and display name. `created` is a time, in seconds since 1970."""
    return {"object": "list", "data": [model_object(name, created) for name, _ in models]}


def model_object(name: str, created: int) -> dict[str, Any]:
    """One model."""
    return {"id": name, "object": "model", "created": created, "owned_by": OWNER}
