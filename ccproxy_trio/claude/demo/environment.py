"""The CLI's variables that a live process can be given anew, and what each of them does to a request.

`apply_flag_settings` merges them key by key; a key that is not named stays as it was.

=========================  ========================================================================
CLAUDE_CODE_EXTRA_BODY     top-level fields of every request, as one JSON object; what cannot be read is none
ANTHROPIC_BASE_URL         one that is no URL lets every request fail inside the CLI; "" is the usual one
DISABLE_PROMPT_CACHING     takes away the cache_control marks that the CLI puts by itself
ENABLE_PROMPT_CACHING_1H   gives them an hour
=========================  ========================================================================
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .directives import an_object
from .models import takes_effort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .directives import Json

_NOT_IN_THE_BODY = frozenset({"betas", "stream"})
"""`betas` become a header; whether to stream is the CLI's to say."""


class Environment:
    """The variables as they are now."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables: dict[str, object] = dict(variables)

    def update(self, variables: object) -> None:
        self._variables |= an_object(variables)

    @property
    def reachable(self) -> bool:
        """Whether a request would get as far as to leave the CLI."""
        url = self._variables.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com"
        try:
            parts = urlsplit(str(url))
            return bool(parts.scheme and parts.hostname) and parts.port != 0
        except ValueError:
            return False

    @property
    def mark(self) -> Json | None:
        """The cache_control that the CLI puts by itself, or None when it puts none."""
        if self._is_on("DISABLE_PROMPT_CACHING"):
            return None
        lifetime = {"ttl": "1h"} if self._is_on("ENABLE_PROMPT_CACHING_1H") else {}
        return {"type": "ephemeral", **lifetime}

    def extend(self, body: Json) -> Json:
        """`body` with the extra fields, as far as the CLI lets them through."""
        extra = {key: value for key, value in self._extra_body().items() if key not in _NOT_IN_THE_BODY}
        asked = an_object(extra.pop("output_config", None))
        if "output_format" in extra:
            asked = {**asked, "format": extra.pop("output_format")}
        if not takes_effort(str(body["model"])):
            asked = {key: value for key, value in asked.items() if key != "effort"}
        config = {**body.get("output_config", {}), **asked}
        return {**body, **extra, **({"output_config": config} if config else {})}

    def _extra_body(self) -> Json:
        try:
            return an_object(json.loads(str(self._variables.get("CLAUDE_CODE_EXTRA_BODY") or "{}")))
        except ValueError:
            return {}

    def _is_on(self, name: str) -> bool:
        value: Any = self._variables.get(name)
        return str(value or "").lower() in ("1", "true", "yes", "on")
