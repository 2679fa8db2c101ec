"""The four endpoints that take an instance, asked in the same words: for tests of what holds for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from attrs import frozen

from tests.server.http_client import open_exchange

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from tests.server.http_client import Exchange
    from tests.server.proxy import Proxy


@frozen
class Endpoint:
    """One of them, and what its streams hold first and last; nothing, if it has none."""

    path: str
    first: bytes = b""
    last: bytes = b""

    @property
    def ways(self) -> tuple[bool, ...]:
        """Whether an answer can be streamed."""
        return (False, True) if self.last else (False,)

    def body(self, prompt: str, *, stream: bool = False, history: int = 0) -> bytes:
        """A request for `prompt`, after so many messages."""
        roles = ("user", "assistant")
        said = [{"role": roles[n % 2], "content": f"left: message {n}"} for n in range(history)]
        messages: list[dict[str, Any]] = [*said, {"role": "user", "content": prompt}]
        fields: dict[str, Any] = {"model": "sonnet"}
        fields |= {"input": messages} if self.path.endswith("/responses") else {"messages": messages}
        if self.path == "/v1/messages":
            fields["max_tokens"] = 1000
        if stream:
            fields["stream"] = True
        return orjson.dumps(fields)

    def open(self, proxy: Proxy, prompt: str, **how: Any) -> AbstractAsyncContextManager[Exchange]:
        """Ask, and read when it pleases; leaving the block is leaving the server."""
        return open_exchange(proxy.port, self.path, self.body(prompt, **how))


MESSAGES = Endpoint("/v1/messages", b'"text_delta"', b'"message_stop"')
CHAT = Endpoint("/v1/chat/completions", b'"content":"D', b"data: [DONE]")
RESPONSES = Endpoint("/v1/responses", b'"response.output_text.delta"', b'"response.completed"')
COUNT = Endpoint("/v1/messages/count_tokens")
ENDPOINTS = (MESSAGES, CHAT, RESPONSES, COUNT)


async def read_until(exchange: Exchange, sign: bytes) -> None:
    """Read an answer until it holds `sign`."""
    seen = b""
    while sign not in seen:
        chunk = await exchange.chunk()
        assert chunk, (sign, seen)
        seen += chunk
