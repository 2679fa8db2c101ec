"""The official `anthropic` client: answers, streams and every failure as the class that its users catch."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import anthropic
import pytest
import trio

from tests.server.proxy import Backend, Proxy, children, open_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ERRORS: dict[int, type[anthropic.APIStatusError]] = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    413: anthropic.RequestTooLargeError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    529: anthropic.OverloadedError,
}
HISTORY: list[Any] = [
    {"role": "user", "content": "My name is Ada."},
    {"role": "assistant", "content": [{"type": "text", "text": "Hello, Ada."}]},
    {"role": "user", "content": "Who am I? [[dump]]"},
]


def asking(prompt: str) -> dict[str, Any]:
    return {"model": "sonnet", "max_tokens": 100, "messages": [{"role": "user", "content": prompt}]}


def text_of(message: Any) -> str:
    """The text of an answer of one block."""
    (block,) = message.content
    return str(block.text)


@asynccontextmanager
async def open_client(proxy: Proxy) -> AsyncIterator[anthropic.AsyncAnthropic]:
    url = f"http://127.0.0.1:{proxy.port}"
    async with anthropic.AsyncAnthropic(base_url=url, api_key="any", max_retries=0) as client:
        yield client


async def test_answers(backend: Backend) -> None:
    async with open_proxy(backend) as proxy, open_client(proxy) as client:
        message = await client.messages.create(**asking("hello"))
        assert message.content[0].model_dump() == {
            "type": "text",
            "text": "Demo echo: hello",
            "citations": None,
        }
        assert (message.model, message.role, message.stop_reason) == (
            "claude-sonnet-5-5",
            "assistant",
            "end_turn",
        )
        assert (message.usage.input_tokens, message.usage.output_tokens) == (11, 3)
        assert message._request_id is not None

        # An answer goes back as history, as it came.
        messages = [*asking("hello")["messages"], {"role": "assistant", "content": message.content}]
        messages.append({"role": "user", "content": "[[dump]]"})
        dump = await client.messages.create(**{**asking(""), "messages": messages, "max_tokens": 10**4})
        assert '"Demo echo: hello"' in text_of(dump)

        dump = await client.messages.create(
            model="opus", max_tokens=10**4, messages=HISTORY, system=[{"type": "text", "text": "Be brief."}]
        )
        for part in ("My name is Ada.", "Hello, Ada.", "Who am I?", "Be brief.", "claude-opus-5-5"):
            assert part in text_of(dump)

        raw = await client.messages.create(**asking("hello"), stream=True)
        assert [event.type async for event in raw][-1] == "message_stop"


async def test_streams(backend: Backend) -> None:
    async with open_proxy(backend) as proxy, open_client(proxy) as client:
        async with client.messages.stream(**asking("grüße, 👋 [[deltas=7]]")) as stream:
            texts = [text async for text in stream.text_stream]
            final = await stream.get_final_message()
        assert len(texts) == 7
        assert "".join(texts) == text_of(final) == "Demo echo: grüße, 👋"
        assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 4)
        cut = await client.messages.create(**{**asking("one two three"), "max_tokens": 3})
        assert cut.stop_reason == "max_tokens"

        await proxy.settle()
        before = children()
        async with client.messages.stream(**asking("[[deltas=1000; gap=0.05]]")) as stream:
            async for _ in stream.text_stream:
                break
        assert (await proxy.settle()).in_use == 0
        assert children() == before


async def test_failures(backend: Backend) -> None:
    async with (
        open_proxy(backend, pool={"max_size": 1, "acquire_timeout": 0.5}) as proxy,
        open_client(proxy) as client,
    ):
        await proxy.settle()
        for status, kind in ERRORS.items():
            for streams in (False, True):
                with pytest.raises(kind) as caught:
                    await client.messages.create(
                        **asking(f"[[status={status}; message=no luck]]"), stream=streams
                    )
                error, body = caught.value, cast("dict[str, Any]", caught.value.body)
                assert (type(error), error.status_code) == (kind, status)
                assert error.request_id == body["request_id"]

        with pytest.raises(anthropic.APIStatusError) as broken:
            async with client.messages.stream(
                **asking("[[error=overloaded_error; at=5; gap=0.01]]")
            ) as stream:
                assert [text async for text in stream.text_stream]
        assert broken.value.type == "overloaded_error"
        with pytest.raises(anthropic.BadRequestError, match="container: this server does not support"):
            await client.messages.create(**asking("x"), container="c")
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("none")

        async with proxy.open("[[hang]]", stream=True) as holder:
            await holder.until("message_start")
            with pytest.raises(anthropic.OverloadedError) as busy:
                await client.messages.create(**asking("x"))
            assert busy.value.response.headers["retry-after"] == "1"
        assert text_of(await client.messages.create(**asking("well"))) == "Demo echo: well"


async def test_retries_of_the_client_are_served(demo: Backend) -> None:
    """What we answer while all are busy makes the client come back by itself."""
    async with (
        open_proxy(demo, pool={"max_size": 1, "acquire_timeout": 0.1}) as proxy,
        open_client(proxy) as client,
    ):
        await proxy.settle()
        patient = client.with_options(max_retries=5)
        texts: list[str] = []

        async def ask() -> None:
            texts.append(text_of(await patient.messages.create(**asking("x"))))

        async with trio.open_nursery() as nursery, proxy.open("[[hang]]", stream=True) as holder:
            await holder.until("message_start")
            nursery.start_soon(ask)
            await proxy.until(lambda now: now.acquire_timeouts == 1)
        assert texts == ["Demo echo: x"]


async def test_the_blocking_client(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:

        def talk() -> list[str]:
            url = f"http://127.0.0.1:{proxy.port}"
            with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as client:
                first = text_of(client.messages.create(**asking("hello")))
                with client.messages.stream(**asking("hello")) as stream:
                    return [first, "".join(stream.text_stream)]

        assert await trio.to_thread.run_sync(talk) == ["Demo echo: hello"] * 2
