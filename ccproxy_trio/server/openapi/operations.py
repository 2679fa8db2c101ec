"""One operation of the document: what it is asked, what it answers, and how it may fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from .failures import (
    ANYWHERE,
    IGNORED,
    UPSTREAM,
    WITH_BODY,
    WITH_KEYS,
    WITH_LIMITS,
    Dialect,
    answer_headers,
    failures,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .shapes import Json

KEY_SCHEMES: dict[str, Json] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}
_ANY_KEY: list[Json] = [{name: []} for name in KEY_SCHEMES]


@frozen
class Server:
    """What of a server's settings the document depends on."""

    has_keys: bool = False
    demo: bool = False
    leaves_out: bool = False
    """Whether parameters of OpenAI's API that cannot be honoured are left out, and not refused."""
    allowed_tools: tuple[str, ...] = ()
    """Tools that the upstream API runs."""

    def describe(
        self,
        summary: str,
        name: str,
        dialect: Dialect,
        content: Json,
        *,
        tag: str,
        said: str = "",
        body: Json | None = None,
        parameters: Sequence[Json] = (),
        upstream: bool = False,
        key: bool | None = True,
        others: Mapping[str, Json] | None = None,
    ) -> Json:
        """An operation whose answer has this `content`.

        `upstream`: whether the API behind the CLI is asked. `key`: whether it wants one where there are keys, None if
        it takes note of one. `others` are answers of its own beside.
        """
        statuses = {*ANYWHERE}
        if self.has_keys and key:
            statuses.update(WITH_KEYS)
            if tag != "operator":
                statuses.update(WITH_LIMITS)
        if body is not None:
            statuses.update(WITH_BODY)
        if upstream:
            statuses.update(UPSTREAM)
        headers = answer_headers(dialect, demo=self.demo)
        if tag != "operator":
            headers |= {"x-ccproxy-ignored": IGNORED}
        answered = {"200": {"description": "The answer.", "headers": headers, "content": content}}
        mine = {status: {"headers": headers, **other} for status, other in (others or {}).items()}
        operation: dict[str, Any] = {
            "tags": [tag],
            "operationId": name,
            "summary": summary,
            **({"description": said} if said else {}),
            **({"parameters": list(parameters)} if parameters else {}),
            **({"requestBody": body} if body is not None else {}),
            "responses": answered | mine | failures(dialect, statuses, others=upstream),
        }
        if self.has_keys and not key:
            operation["security"] = [] if key is False else [{}, *_ANY_KEY]
        return operation

    def describe_openai(
        self, path: str, summary: str, name: str, content: Json, *, tag: str, said: str, body: Json
    ) -> dict[str, Json]:
        """By path; the second is for clients whose base URL is this server's `/openai/v1`."""
        return {
            f"{prefix}{path}": {
                "post": self.describe(
                    *(summary, f"{name}{suffix}", "OpenAI", content),
                    tag=tag,
                    said=said,
                    body=body,
                    upstream=True,
                )
            }
            for prefix, suffix in (("/v1", ""), ("/openai/v1", "UnderOpenAI"))
        }

    @property
    def security(self) -> Json:
        """What the whole document says of keys."""
        return {"security": _ANY_KEY} if self.has_keys else {}


def json_body(shape: Json, **examples: Json) -> Json:
    """A body that must be there; the examples are answered."""
    told = {name: {"value": example} for name, example in examples.items()}
    return {
        "required": True,
        "description": "Read as JSON, whatever its Content-Type says; a Content-Encoding is refused.",
        "content": {"application/json": {"schema": shape, "examples": told}},
    }


def json_answer(shape: Json) -> Json:
    """An answer that is JSON."""
    return {"application/json": {"schema": shape}}


def streamed_answer(shape: Json, each: Json) -> Json:
    """An answer that is JSON or, if the request has `stream`, events, each of this shape."""
    return {**json_answer(shape), "text/event-stream": {"schema": each}}
