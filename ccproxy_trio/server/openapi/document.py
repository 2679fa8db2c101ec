"""The document as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio import __version__

from .chat import chat_operations, chat_schemas
from .failures import SCHEMAS, failure_responses
from .messages import message_operations, message_schemas
from .models import model_operations, model_schemas
from .operations import KEY_SCHEMES, Server
from .ops import ops_operations
from .responses import response_operations, response_schemas

if TYPE_CHECKING:
    from ccproxy_trio.settings import Settings

    from .shapes import Json

_SAID = """
Claude, through a pool of warm CLI processes, in the words of two APIs.

Every path that takes GET takes HEAD, and every path tells by OPTIONS what it takes. Any other method is answered 405,
any other path 404, in the shape of the API that the path belongs to.
"""
_TAGS = {
    "messages": "Anthropic's Messages API",
    "chat": "OpenAI's Chat Completions API",
    "responses": "OpenAI's Responses API",
    "models": "The models, as either API tells of them",
    "operator": "For whoever runs the server",
}


def build_document(settings: Settings) -> Json:
    """The OpenAPI document of a server with these settings."""
    server = Server(
        has_keys=bool(settings.server.keys),
        demo=settings.claude.demo,
        leaves_out=settings.openai.unsupported == "ignore",
        allowed_tools=settings.claude.allowed_tools,
    )
    schemas = {
        **SCHEMAS,
        **message_schemas(server),
        **chat_schemas(server),
        **response_schemas(server),
        **model_schemas(),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "ccproxy_trio", "version": __version__, "description": _SAID.strip()},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": said} for name, said in _TAGS.items()],
        **server.security,
        "paths": {
            **message_operations(server),
            **chat_operations(server),
            **response_operations(server),
            **model_operations(server),
            **ops_operations(server),
        },
        "components": {
            "schemas": schemas,
            "responses": failure_responses(demo=server.demo),
            **({"securitySchemes": KEY_SCHEMES} if server.has_keys else {}),
        },
    }
