"""GET /v1/models and GET /v1/models/{id}: the CLI's own list, in the dialect of whoever asks.

The Messages API gives it by pages, OpenAI's as a whole. A model is found by any name it goes by. Whoever asks sees
only what its key may use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from attrs import frozen
from quart import Response, g, request

from ccproxy_trio.claude.errors import TurnFailed
from ccproxy_trio.dialects.anthropic.models import parse_page_request, render_model, render_page
from ccproxy_trio.dialects.failures import Failure
from ccproxy_trio.dialects.json_body import shorten
from ccproxy_trio.dialects.openai import model_list, model_object

from .asking import terms
from .errors import speaks_openai
from .permission import list_permitted, permit

if TYPE_CHECKING:
    from ccproxy_trio.claude_pool import ClaudePool


_UNKNOWN_DATE = 0


@frozen
class Models:
    """The endpoints, with what they work on."""

    claude: ClaudePool

    async def list(self) -> Response:
        """All of them, or one page."""
        if speaks_openai():
            models = await list_permitted(self.claude)
            return _json(model_list([(model.id, model.name) for model in models], _UNKNOWN_DATE))
        _note_betas()
        page = parse_page_request(request.args.to_dict(flat=False))
        cursors = {
            name: await self.claude.find_model(name, **terms()) for name in (page.after, page.before) if name
        }
        return _json(render_page(await list_permitted(self.claude), page, cursors.get))

    async def get(self, name: str) -> Response:
        """One model."""
        if (model := await self.claude.find_model(name, **terms())) is None:
            raise TurnFailed(Failure(404, f"model: {shorten(name)}"))
        await permit(self.claude, name)
        if speaks_openai():
            return _json(model_object(model.id, _UNKNOWN_DATE))
        _note_betas()
        return _json(render_model(model))


def _note_betas() -> None:
    if "anthropic-beta" in request.headers:
        g.ignored += ("anthropic-beta",)


def _json(value: dict[str, Any]) -> Response:
    return Response(orjson.dumps(value), content_type="application/json")
