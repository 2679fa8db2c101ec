"""GET /openapi.json: the document, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from quart import Response

from .document import build_document

if TYPE_CHECKING:
    from ccproxy_trio.settings import Settings


class OpenAPI:
    """The endpoint."""

    def __init__(self, settings: Settings) -> None:
        self._body = orjson.dumps(build_document(settings))

    async def get(self) -> Response:
        """The whole document."""
        return Response(self._body, content_type="application/json")
