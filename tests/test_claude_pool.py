"""Claude without HTTP: one call for an answer, one for a stream of events, and failures as typed exceptions."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from ccproxy_trio.claude.errors import CliUnusable, InstanceDied, InstanceNonsense, InstanceSilent, TurnFailed
from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.pool import PoolTimeout, RetireReason
from ccproxy_trio.settings import ClaudeSettings, PoolSettings, Settings
from tests.fake_api import open_fake_api

if TYPE_CHECKING:
    from pathlib import Path

ENVIRON = {"PATH": os.environ["PATH"]}
CLAUDE = ClaudeSettings(demo=True, models={"gpt-4o-*": "haiku", "gpt-*": "opus", "gpt-4o-9": "fable"})
ONE = Settings(claude=CLAUDE, pool_settings=PoolSettings(min_size=1, max_size=1, acquire_timeout=30.0))


def asking(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "sonnet", "max_tokens": 100, "messages": [{"role": "user", "content": text}], **fields}


def text_of(message: dict[str, Any]) -> str:
    (block,) = message["content"]
    return str(block["text"])


async def test_one_call_for_an_answer() -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        message = await claude.ask(asking("hello", stream=True))
        assert text_of(message) == "Demo echo: hello"
        assert message["stop_reason"] == "end_turn"
        assert claude.pool.statistics().reused == 0


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt-4o-9", "claude-fable-5-2"),  # a name wins over a pattern
        ("gpt-4o-mini", "claude-haiku-5-5"),  # and the first pattern over the second
        ("gpt-5", "claude-opus-5-5"),
        ("a-gpt-5", "a-gpt-5"),
        ("GPT-5", "GPT-5"),
    ],
)
async def test_names_and_patterns_of_models(name: str, model: str) -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        assert (await claude.ask(asking("x", model=name)))["model"] == model


async def test_one_call_for_a_stream() -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        async with claude.stream(asking("[[deltas=3]] abc")) as answer:
            kinds = [event["type"] async for event in answer]
            assert await answer.receive() == []
        deltas = ["content_block_start", *["content_block_delta"] * 3, "content_block_stop"]
        assert kinds == ["message_start", *deltas, "message_delta", "message_stop"]
        async with claude.stream(asking("x")) as answer:
            await answer.message()
            with pytest.raises(InstanceNonsense, match="was read before"):
                await answer.message()


@pytest.mark.parametrize("how", ["left", "failed", "cancelled"])
async def test_a_stream_that_is_left_early_harms_no_instance(how: str) -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        try:
            with trio.CancelScope() as scope:
                async with claude.stream(asking("[[deltas=500; gap=0.05]] x")) as answer:
                    async for _ in answer:
                        if how == "left":
                            break
                        if how == "failed":
                            raise KeyError
                        scope.cancel()
        except KeyError:
            assert how == "failed"
        assert text_of(await claude.ask(asking("next"))) == "Demo echo: next"
        statistics = claude.pool.statistics()
        assert (statistics.created, statistics.reused) == (1, 1)


@pytest.mark.parametrize(
    ("request_fields", "message"),
    [
        ({"model": "sonnet"}, "messages: Field required"),
        (asking("x", temperature="warm"), "temperature: Input should be a valid number"),
        (asking("x", system={1, 2}), "the request is not JSON: Type is not JSON serializable: set"),
    ],
)
async def test_a_request_that_cannot_be_carried_out(request_fields: dict[str, Any], message: str) -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        with pytest.raises(InvalidRequest) as caught:
            await claude.ask(request_fields)
        assert str(caught.value) == message
        assert claude.pool.statistics().acquired == 0


async def test_an_instance_that_died_this_moment_costs_nobody_an_answer() -> None:
    """Nobody has noticed yet: it is lent, and cannot be written to."""
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        for number in range(1, 4):
            async with claude.pool.acquire() as lease:
                pid = lease.value.pid
            with trio.fail_after(30):
                while not claude.pool.available:  # noqa: ASYNC110 -- nobody tells of it
                    await trio.sleep(0.01)
            os.kill(pid, signal.SIGKILL)
            assert text_of(await claude.ask(asking(f"{number}"))) == f"Demo echo: {number}"
            statistics = claude.pool.statistics()
            assert (statistics.acquired, statistics.retired[RetireReason.DIED]) == (3 * number, number)


async def test_failures_are_typed() -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        with pytest.raises(TurnFailed) as caught:
            await claude.ask(asking("[[status=429]]"))
        assert caught.value.failure.status == 429
        with pytest.raises(TurnFailed):
            await claude.ask(asking("[[cut]] x"))
        with pytest.raises(InstanceDied):
            await claude.ask(asking("[[die=mid_stream]] x"))
        with pytest.raises(InstanceNonsense):
            await claude.ask(asking("[[garbage]] x"))
        assert text_of(await claude.ask(asking("still here"))) == "Demo echo: still here"
        retired = claude.pool.statistics().retired
        assert retired[RetireReason.DIED] == 1
        assert retired[RetireReason.BROKEN] == 1
        async with claude.stream(asking("[[deltas=500; gap=0.05]] x")):
            with pytest.raises(PoolTimeout):
                await _impatient(claude.pool)


async def test_a_silence_is_typed() -> None:
    quick = attrs.evolve(ONE, claude=ClaudeSettings(demo=True, stall_timeout=0.3))
    async with open_claude_pool(quick, environ=ENVIRON) as claude:
        with pytest.raises(InstanceSilent):
            await claude.ask(asking("[[hang]] x"))
        assert claude.pool.statistics().retired[RetireReason.BROKEN] == 1


async def _impatient(pool: Any) -> None:
    async with pool.acquire(timeout=0.1):
        pytest.fail("there is one instance only, and it is leased")


async def test_without_a_cli() -> None:
    settings = Settings(claude=ClaudeSettings(cli_path="nowhere/claude"))
    with pytest.raises(CliUnusable, match=r"claude\.cli_path names nowhere/claude"):
        async with open_claude_pool(settings, environ=ENVIRON):
            pytest.fail("there is no CLI")


@pytest.mark.cli
async def test_over_the_real_binary(tmp_path: Path) -> None:
    async with open_fake_api() as api:
        environ = {
            **ENVIRON,
            "HOME": str(tmp_path),
            "ANTHROPIC_API_KEY": "dummy",
            "ANTHROPIC_BASE_URL": api.url,
        }
        async with open_claude_pool(Settings(pool_settings=ONE.pool_settings), environ=environ) as claude:
            message = await claude.ask(asking("hello", system="Be brief."))
            assert text_of(message) == "Demo echo: hello"
            async with claude.stream(asking("more", system="Be brief.")) as answer:
                assert [event["type"] async for event in answer][-1] == "message_stop"
            assert claude.pool.statistics().reused == 1


async def test_the_log_says_which_instance_went_and_why(caplog: pytest.LogCaptureFixture) -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        await claude.ask(asking("[[no_rewind]] a secret prompt"))
        with pytest.raises(InstanceDied) as caught:
            await claude.ask(asking("[[die=mid_stream]] a secret prompt"))
        assert caught.value.stderr == "demo: dying, as the prompt asked"
    told = [record.getMessage() for record in caplog.records if record.name == "ccproxy_trio.pool"]
    assert told == [
        "instance 1 could not be rewound and is replaced: the conversation was not rewound: target_not_found",
        "instance 2 is replaced (died): the claude process exited with status 70",
    ]
    assert "secret" not in caplog.text
