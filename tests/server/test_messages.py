"""POST /v1/messages, whole and streamed, over both backends: what the model is given and what the client gets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import trio
from attrs import evolve

from ccproxy_trio.claude.demo.answer import compose
from tests.claude.test_guard import IN_ONE_PIECE, cli_that
from tests.server.conversations import assistant, conversation, system, user
from tests.server.proxy import Backend, body_of, open_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.server.http_client import Reply


SONNET, OPUS = "claude-sonnet-5-5", "claude-opus-5-5"
USAGE = {"input_tokens": 11, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}

PROMPTS = [
    *(
        "/clear",
        "/compact now",
        "/help",
        "@/etc/hostname",
        "@README.md what is this",
        "!ls",
        "# remember this",
    ),
    *("exit", "quit", "-p", "--version", "{}", '{"type":"user"}', "y <system-reminder>x</system-reminder>"),
    *("a\0b", "one\u2028two\u2029three", "one\ntwo\r\nthree\rfour\x85", "tab\tand \x1b[31mred", "\ufeffx"),
    *(
        "naïve café",
        "日本語",
        "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 \U0001d518",
        "e\u0301",
        "\\u0041 \\n \\",
        "  led and followed by space \n",
    ),
]


def check_events(reply: Reply, messages: Sequence[Mapping[str, Any]], deltas: int) -> None:
    """The events are exactly those that the model sent, but for its pings."""
    first = reply.events[0]["message"]
    answer = compose({"model": SONNET, "messages": messages}, first["id"].removeprefix("msg_"))
    assert reply.events == [event for event in answer.events(deltas) if event["type"] != "ping"]


async def test_whole_and_streamed(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        whole = await proxy.ask("hello there")
        assert whole.status == 200
        assert whole.headers["content-type"] == "application/json"
        assert whole.json == {
            "id": whole.json["id"],
            "type": "message",
            "role": "assistant",
            "model": SONNET,
            "content": [{"type": "text", "text": "Demo echo: hello there"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {**USAGE, "output_tokens": 4},
        }

        prompt = "grüße, 👋 [[deltas=40; thinking=let me see]]"
        streamed = await proxy.ask(prompt, stream=True)
        assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert streamed.headers["cache-control"] == "no-cache"
        check_events(streamed, [user(prompt)], 40)
        assert (await proxy.ask(prompt)).json["content"] == [
            {"type": "thinking", "thinking": "let me see", "signature": "c2lnbmVk"},
            {"type": "text", "text": "Demo echo: grüße, 👋".ljust(40, ".")},
        ]

        odd = await proxy.post(
            body_of("hello"),
            "/v1/messages?beta=true",
            **{"x-api-key": "any", "anthropic-version": "2023-06-01"},
        )
        assert odd.text == "Demo echo: hello"
        identities = [reply.headers["request-id"] for reply in (whole, streamed, odd)]
        assert len(set(identities)) == 3
        assert all(identity.startswith("req_") for identity in identities)
        assert identities[0] == whole.json["id"].replace(
            "msg_", "req_"
        )  # upstream's own, where it is known in time
        assert ("x-ccproxy-demo" in odd.headers) is backend.demo
        assert (await proxy.settle()).created == 1


async def test_the_model_is_given_exactly_what_was_asked(backend: Backend) -> None:
    history = [user("one"), assistant("zwei"), user("trois"), assistant("四"), user("five [[dump]]")]
    async with open_proxy(backend, claude={"models": {"gpt-4": "opus", "sonnet": "haiku"}}) as proxy:

        async def dump(prompt: Any = "[[dump]]", **fields: Any) -> dict[str, Any]:
            reply = await proxy.ask(prompt, **fields)
            assert reply.status == 200, reply
            found: dict[str, Any] = json.loads(reply.text)
            if proxy.api is not None:
                assert found == proxy.upstream[-1].body
            return found

        body = await dump(history, max_tokens=77, model=SONNET)
        assert conversation(body) == history
        assert (body["max_tokens"], body["model"], body["tools"]) == (77, SONNET, [])
        assert system(body) == []
        strings = [{"role": message["role"], "content": message["content"][0]["text"]} for message in history]
        assert conversation(await dump(strings, stream=True)) == history

        blocks = {
            "role": "user",
            "content": [{"type": "text", "text": text} for text in ("a", "b", "[[dump]]")],
        }
        assert conversation(await dump([blocks, user("c [[dump]]")])) == [
            {"role": "user", "content": [*blocks["content"], *user("c [[dump]]")["content"]]}
        ]
        assert system(await dump(system="Be brief.\n\nBe kind.")) == ["Be brief.\n\nBe kind."]
        texts = [{"type": "text", "text": text} for text in ("Be brief.", "Be kind.")]
        assert "\n\n".join(system(await dump(system=texts))) == "Be brief.\n\nBe kind."
        assert system(await dump(system=[])) == []

        models = {"opus": OPUS, "gpt-4": OPUS, "haiku": "claude-haiku-5-5", "sonnet": "claude-haiku-5-5"}
        for name, model in {**models, "claude-some-1": "claude-some-1"}.items():
            assert (await dump(model=name, max_tokens=5))["model"] == model
        long = [user("first"), *[assistant(f"a{n}") if n % 2 else user(f"u{n}") for n in range(1, 30)]]
        assert conversation(await dump([*long, user("[[dump]]")])) == [*long, user("[[dump]]")]
        await proxy.settle()


async def test_every_text_is_only_text(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for prompt in [*PROMPTS, "0123456789abcde\n" * 65536]:
            reply = await proxy.ask(prompt, stream=len(prompt) % 2 == 0, max_tokens=10**6)
            assert reply.status == 200, (prompt[:50], reply)
            assert prompt.strip() in reply.text, prompt[:50]
            if proxy.api is not None:
                assert conversation(proxy.upstream[-1].body) == [user(prompt)]
        prompts = "\n".join(PROMPTS)
        for prompt in PROMPTS:
            history = [user(prompt), assistant(prompt), user("[[dump]]")]
            reply = await proxy.ask(history, system=prompts, max_tokens=10**6)
            assert reply.status == 200, (prompt, reply)
            body = json.loads(reply.text)
            assert conversation(body) == history
            assert system(body) == [prompts]


OWN_WORDS = [
    "__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__",
    "x-anthropic-billing-header: cc_version=0;",
    "You are Claude Code, Anthropic's official CLI for Claude.",
]


@pytest.mark.parametrize("words", OWN_WORDS)
async def test_words_of_the_cli_reach_the_model_where_they_stand(backend: Backend, words: str) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        texts = ["Be brief.", words, "Be kind."]
        blocks = [{"type": "text", "text": text} for text in texts]
        body = json.loads((await proxy.ask("[[dump]]", system=blocks)).text)
        assert "\n\n".join(system(body)) == "\n\n".join(texts)
        assert words not in {block["text"] for block in body["system"][:2]}


async def test_the_answer_ends_at_the_first_message_stop(backend: Backend) -> None:
    """After these stop reasons the CLI makes requests of its own, which must reach nobody."""
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        cut = await proxy.ask("one two three four", max_tokens=3)
        assert cut.json["content"] == [{"type": "text", "text": "Demo echo: one"}]
        assert cut.json["stop_reason"] == "max_tokens"
        assert cut.json["usage"] == {**USAGE, "output_tokens": 3}
        for reason in ("max_tokens", "refusal", "stop_sequence", "model_context_window_exceeded"):
            for number in range(3):
                reply = await proxy.ask(f"x{number} [[stop={reason}]]", stream=True)
                assert reply.types.count("message_start") == reply.types.count("message_stop") == 1
                assert reply.types[-2:] == ["message_delta", "message_stop"]
                assert reply.events[-2]["delta"]["stop_reason"] == reason
                after = json.loads((await proxy.ask("[[dump]]")).text)
                assert conversation(after) == [user("[[dump]]")]
        assert (await proxy.settle()).created == 1


async def test_pings_in_silences(demo: Backend) -> None:
    async with open_proxy(demo, server={"ping_interval": 0.05}) as proxy:
        reply = await proxy.ask("hello [[delay=0.2; deltas=2; gap=0.3]]", stream=True)
        events = [event["type"] for event in reply.events]
        assert events[0] == "message_start"
        first = events.index("content_block_delta")
        assert {*events[first + 1 : events.index("content_block_delta", first + 1)]} == {"ping"}
        assert events.count("ping") >= 4
        assert reply.types[-3:] == ["content_block_stop", "message_delta", "message_stop"]
        assert {event["type"]: event for event in reply.events}["ping"] == {"type": "ping"}
        assert reply.text == "Demo echo: hello"


async def test_events_come_as_the_model_says_them(backend: Backend) -> None:
    async with open_proxy(backend) as proxy, proxy.open("hello [[hang; at=5]]", stream=True) as exchange:
        seen = await exchange.until("content_block_delta")
        delta = next(event["delta"] for event in seen if event["type"] == "content_block_delta")
        assert delta == {"type": "text_delta", "text": "Dem"}
        assert exchange.headers["request-id"]


async def test_events_that_are_ready_together_are_sent_together(demo: Backend, tmp_path: Path) -> None:
    """The transport writes each chunk at once, so that the chunks are the writes."""
    cli = cli_that(tmp_path, IN_ONE_PIECE)
    async with open_proxy(evolve(demo, cli_path=str(cli.path))) as proxy:
        async with proxy.open("hello [[deltas=100]]", stream=True) as exchange:
            chunks = await exchange.chunks()
        assert b"".join(chunks).count(b"event: content_block_delta\n") == 100
        # The child's output comes in one piece, or in as many as its system makes of it.
        assert len(chunks) <= 4


@pytest.mark.parametrize("streams", [False, True])
async def test_many_at_once_share_few_instances(demo: Backend, streams: bool) -> None:
    async with open_proxy(demo, pool={"min_size": 2, "max_size": 3}) as proxy:
        texts: dict[int, str] = {}

        async def ask(number: int) -> None:
            texts[number] = (await proxy.ask(f"number {number} [[gap=0.001]]", stream=streams)).text

        async with trio.open_nursery() as nursery:
            for number in range(60):
                nursery.start_soon(ask, number)
        assert texts == {number: f"Demo echo: number {number}" for number in range(60)}
        statistics = await proxy.settle()
        assert statistics.acquired == 60
        assert statistics.reused >= 57
