"""Everything that answers requests, made of one pool and one set of settings.

It is never changed: other settings are other endpoints, which take the place of these as a whole. A request goes on
with those that it began with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from .access import Access
from .chat import ChatCompletions
from .count_tokens import CountTokens
from .messages import Messages
from .models import Models
from .openapi import OpenAPI
from .ops import Ops
from .responses import Responses

if TYPE_CHECKING:
    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.settings import Settings


@frozen(kw_only=True)
class Endpoints:
    """The parts."""

    claude: ClaudePool
    settings: Settings
    access: Access
    messages: Messages
    chat: ChatCompletions
    responses: Responses
    count_tokens: CountTokens
    models: Models
    ops: Ops
    openapi: OpenAPI

    @classmethod
    def over(cls, claude: ClaudePool, settings: Settings, before: Endpoints | None = None) -> Endpoints:
        """Make them; what was counted `before` goes on being counted."""
        ping_interval = settings.server.ping_interval
        return cls(
            claude=claude,
            settings=settings,
            access=Access(settings.server, None if before is None else before.access),
            messages=Messages(claude, ping_interval),
            chat=ChatCompletions(claude, settings.openai, ping_interval),
            responses=Responses(claude, settings.openai, ping_interval),
            count_tokens=CountTokens(claude),
            models=Models(claude),
            ops=Ops(claude, settings.pool_settings.enabled, has_keys=bool(settings.server.keys)),
            openapi=OpenAPI(settings),
        )
