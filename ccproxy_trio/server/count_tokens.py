"""POST /v1/messages/count_tokens: how many tokens a request has, as the API behind the CLI counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from attrs import frozen
from quart import Response, g, request

from ccproxy_trio.dialects.anthropic.count_tokens import parse_count_request
from ccproxy_trio.dialects.anthropic.request import parse_betas

from .asking import terms
from .body import read_body
from .observe import note_wanted
from .permission import permit

if TYPE_CHECKING:
    from ccproxy_trio.claude_pool import ClaudePool

_SENT = frozenset({"claude-code-20250219", "interleaved-thinking-2025-05-14", "token-counting-2024-11-01"})
"""Betas that the CLI has a count made with, always and alone."""


@frozen
class CountTokens:
    """The endpoint, with what it works on."""

    claude: ClaudePool

    async def count(self) -> Response:
        """Answer one request."""
        asked = await read_body(parse_count_request)
        betas = parse_betas(",".join(request.headers.getlist("anthropic-beta")))
        unsent = () if _SENT.issuperset(betas) else ("anthropic-beta",)
        g.ignored += (*asked.ignored, *unsent)
        note_wanted(self.claude, asked.model)
        await permit(self.claude, asked.model)
        tokens = await self.claude.count_tokens(asked, **terms())
        return Response(orjson.dumps({"input_tokens": tokens}), content_type="application/json")
