"""GET /v1/models and GET /v1/models/{id}: reading the query, cutting pages, rendering models. Pure.

What is not known of a model is null, and its release is the epoch, as the API does it for an unknown date. All models
here are active: they are those that the CLI offers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

from ccproxy_trio.dialects.anthropic.values import one_of
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ccproxy_trio.dialects.models import Model

_USUAL_LIMIT = 20
_HIGHEST_LIMIT = 1000
_STAGES = ("active", "deprecated", "retired")
_LINES = ("haiku", "sonnet", "opus", "fable", "mythos")
_INTEGER = re.compile(r"[+-]?[0-9]{1,100}")
_UNKNOWN_DATE = "1970-01-01T00:00:00Z"


@frozen
class PageRequest:
    """Which models a client asks to see."""

    after: str | None = None
    """The page begins behind this model."""
    before: str | None = None
    """The page ends before this model, and is the one next to it unless `after` is given, too."""
    limit: int = _USUAL_LIMIT
    """From 1 to 1000."""
    active: bool = True
    """Whether models in use are asked for, and not only deprecated or retired ones, of which there are none."""


def parse_page_request(query: Mapping[str, Sequence[str]]) -> PageRequest:
    """Read the query: each name with its values in order. A name that is not known here has no effect.

    Raises InvalidRequest.
    """
    stages = [*query.get("lifecycle", ()), *query.get("lifecycle[]", ())]
    if len(stages) > len(_STAGES):
        raise InvalidRequest(
            "lifecycle", f"List should have at most {len(_STAGES)} items after validation, not {len(stages)}"
        )
    for index, stage in enumerate(stages):
        one_of(stage, f"lifecycle.{index}", *_STAGES)
    return PageRequest(
        after=_last(query, "after_id"),
        before=_last(query, "before_id"),
        limit=_parse_limit(_last(query, "limit")),
        active=not stages or "active" in stages,
    )


def render_page(
    models: Sequence[Model], page: PageRequest, find: Callable[[str], Model | None]
) -> dict[str, Any]:
    """One page of `models`. `find` gives the model that a name in the query stands for.

    Raises InvalidRequest for a cursor that is none of `models`.
    """
    start, end = 0, len(models)
    if page.after is not None:
        start = _index(models, page.after, find, "after_id") + 1
    if page.before is not None:
        end = _index(models, page.before, find, "before_id")
    asked = list(models[start:end]) if page.active else []
    backwards = page.before is not None and page.after is None
    shown = asked[-page.limit :] if backwards else asked[: page.limit]
    return {
        "data": [render_model(model) for model in shown],
        "has_more": len(shown) < len(asked),
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
    }


def render_model(model: Model) -> dict[str, Any]:
    """One model as the API tells of it."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": _UNKNOWN_DATE,
        "lifecycle": "active",
        "line": next((line for line in _LINES if line in model.aliases and f"-{line}-" in model.id), None),
        "capabilities": None,
        "max_input_tokens": None,
        "max_tokens": None,
        "deprecated_at": None,
        "retires_at": None,
    }


def _last(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = query.get(name)
    return values[-1] if values else None


def _parse_limit(text: str | None) -> int:
    if text is None:
        return _USUAL_LIMIT
    if not _INTEGER.fullmatch(text):
        raise InvalidRequest("limit", "Input should be a valid integer, unable to parse string as an integer")
    limit = int(text)
    if limit < 1:
        raise InvalidRequest("limit", "Input should be greater than or equal to 1")
    if limit > _HIGHEST_LIMIT:
        raise InvalidRequest("limit", f"Input should be less than or equal to {_HIGHEST_LIMIT}")
    return limit


def _index(models: Sequence[Model], name: str, find: Callable[[str], Model | None], field: str) -> int:
    found = find(name)
    if found not in models:
        raise InvalidRequest(field, f"no such model: {shorten(name)}")
    return models.index(found)
