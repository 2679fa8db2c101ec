"""What a pool of Claude tells beside answers, without HTTP: its models, and how many tokens a request has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.models import Model
from ccproxy_trio.settings import ClaudeSettings, PoolSettings, Settings
from tests.claude.instances import cli_that_says

if TYPE_CHECKING:
    from pathlib import Path

    from ccproxy_trio.claude_pool import ClaudePool

ENVIRON = {"PATH": os.environ["PATH"]}
CLAUDE = ClaudeSettings(demo=True, models={"gpt-*": "opus", "old": "claude-opus-4-1"})
ONE = Settings(claude=CLAUDE, pool_settings=PoolSettings(min_size=1, max_size=1, acquire_timeout=30.0))
OPUS = Model("claude-opus-5-5", "Claude Opus 5.5", ("default", "opus"))


def asking(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "sonnet", "messages": [{"role": "user", "content": text}], **fields}


async def test_models() -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        models = await claude.list_models()
        assert models[0] == OPUS
        for name in ("opus", "claude-opus-5-5", "gpt-5"):
            assert await claude.find_model(name) == OPUS
        assert await claude.find_model("old") == Model("claude-opus-4-1", "claude-opus-4-1")
        assert await claude.find_model("claude-opus-4-1") is None
        assert await claude.list_models() is models
        assert claude.pool.statistics().acquired == 1


async def test_a_model_that_somebody_asked_is_told_to_nobody_else() -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        await claude.ask(asking("x", model="secret-7", max_tokens=5))
        assert "secret-7" not in str(await claude.list_models())
        assert claude.pool.statistics().created == 1


async def test_another_version_of_the_cli_is_asked_again(tmp_path: Path) -> None:
    cli = cli_that_says(tmp_path, b"Opus 5.5", b"Opus 7.1")
    async with open_claude_pool(ONE, cli=cli, environ=ENVIRON) as claude:

        async def name() -> str:
            return (await claude.list_models())[0].name

        async def is_replaced() -> None:
            claude.pool.replace_all()
            await claude.ask(asking("x", max_tokens=5))

        assert await name() == "Claude Opus 7.1"
        cli_that_says(tmp_path, b"same", b"same")
        await is_replaced()
        assert await name() == "Claude Opus 7.1"  # another process of the same version
        cli_that_says(tmp_path, cli.version.encode(), b"9.0.0")
        await is_replaced()
        with trio.fail_after(30):
            while claude.cli.version != "9.0.0":  # noqa: ASYNC110 -- nobody tells of it
                await trio.sleep(0.005)
        assert await name() == "Claude Opus 5.5"


async def test_counts() -> None:
    async with open_claude_pool(ONE, environ=ENVIRON) as claude:
        alone = await claude.count_tokens(asking("hello"))
        assert await claude.count_tokens(asking("hello", system="hello")) == 2 * alone
        assert await claude.count_tokens(asking("hello", model="gpt-5")) == alone
        with pytest.raises(InvalidRequest, match="tools"):
            await claude.count_tokens(asking("hello", tools=[{}]))
        with pytest.raises(InvalidRequest, match="the request is not JSON"):
            await claude.count_tokens(asking("hello", system=object()))
        assert claude.pool.statistics().created == 1


async def test_a_count_spares_what_is_bound_to_no_system_prompt_yet() -> None:
    two = Settings(claude=CLAUDE, pool_settings=PoolSettings(min_size=2, max_size=2, acquire_timeout=30.0))
    async with open_claude_pool(two, environ=ENVIRON) as claude:
        await settled(claude)
        await claude.ask(asking("hello", max_tokens=5))
        for _ in range(3):
            await settled(claude)
            await claude.count_tokens(asking("hello", system="Be kind."))
        async with claude.pool.acquire() as one, claude.pool.acquire() as other:
            assert {one.value.fresh, other.value.fresh} == {True, False}


async def settled(claude: ClaudePool) -> None:
    """Wait until both instances are at rest."""
    with trio.fail_after(30):
        while claude.pool.statistics().idle < 2:  # noqa: ASYNC110 -- nobody tells of it
            await trio.sleep(0.005)


async def test_an_instance_that_cannot_forget_counts_once(tmp_path: Path) -> None:
    cli = cli_that_says(tmp_path, b'"rewound":true', b'"rewound":false')
    async with open_claude_pool(ONE, cli=cli, environ=ENVIRON) as claude:
        alone = await claude.count_tokens(asking("hello"))
        assert await claude.count_tokens(asking("hello", system="hello")) == 2 * alone
        assert claude.pool.statistics().created >= 3
