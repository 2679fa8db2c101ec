"""The probe: what a CLI can do decides whether its instances are used again, or at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.claude.errors import CliUnusable, InstanceError, InstanceNonsense
from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.pool import RetireReason
from ccproxy_trio.settings import PoolSettings, Settings
from tests.claude.instances import ENVIRON, ask, cli_that_says, launcher, request, starts

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_cli_is_probed_once_without_a_credential(tmp_path: Path) -> None:
    source = launcher(cli_that_says(tmp_path, b"same", b"same"))
    assert source.trial is None

    async def use(text: str) -> None:
        async with source.open() as instance:
            assert instance.reusable is True
            assert await ask(instance, text) == f"Demo echo: {text}"

    async with trio.open_nursery() as nursery:
        for text in ("one", "two", "three"):
            nursery.start_soon(use, text)
    assert source.trial is not None
    assert source.trial.rewinds
    assert sorted(starts(tmp_path)) == ["key=dummy url=None"] * 3 + ["key=none url=http://127.0.0.1:9"]


async def test_a_cli_that_cannot_rewind_serves_one_conversation_a_process(tmp_path: Path) -> None:
    cli = cli_that_says(tmp_path, b'"rewound":true', b'"rewound":false')
    settings = Settings(pool_settings=PoolSettings(min_size=1, max_size=2, acquire_timeout=30.0))
    async with open_claude_pool(settings, cli=cli, environ=ENVIRON) as claude:
        for text in ("one", "two", "three"):
            message = await claude.ask(request(text))
            assert message["content"] == [{"type": "text", "text": f"Demo echo: {text}"}]
        statistics = claude.pool.statistics()
    assert (statistics.acquired, statistics.reused) == (3, 0)
    assert statistics.retired[RetireReason.USES] == 3
    assert statistics.retired[RetireReason.RESET_FAILED] == 0


async def test_a_cli_that_was_replaced_is_probed_again(tmp_path: Path) -> None:
    source = launcher(cli_that_says(tmp_path, b"same", b"same"))
    async with source.open() as instance:
        assert instance.reusable is True
    version = instance.version.encode()
    cli_that_says(tmp_path, b'"rewound":true', b'"rewound":false')
    async with source.open() as instance:
        assert instance.reusable is True  # by its version it is the same
    cli_that_says(tmp_path, version, b"9.0.0")
    for _ in range(2):
        async with source.open() as instance:
            assert (instance.version, instance.reusable) == ("9.0.0", True)
    assert sorted(starts(tmp_path)) == ["key=dummy url=None"] * 2 + ["key=none url=http://127.0.0.1:9"]
    cli_that_says(tmp_path, b'"num_turns":0', b'"num_turns":1,"of":"another version"')
    with pytest.RaisesGroup(InstanceNonsense, flatten_subgroups=True):
        async with source.open():
            pytest.fail("it must not be opened")
    assert source.trial is None


async def test_a_cli_that_became_too_old_is_refused(tmp_path: Path) -> None:
    source = launcher(cli_that_says(tmp_path, b"same", b"same"))
    async with source.open() as instance:
        version = instance.version.encode()
    with pytest.raises(
        CliUnusable, match=r"version 2\.1\.247"
    ):  # which has come too late for the running server
        cli_that_says(tmp_path, version, b"2.1.247")
    refused = pytest.RaisesExc(
        InstanceError, match=r"^the claude process is version 2\.1\.247; 2\.1\.248 or later"
    )
    with pytest.RaisesGroup(refused, flatten_subgroups=True):
        async with source.open():
            pytest.fail("it must not be opened")


async def test_a_cli_that_answers_its_history_is_refused(tmp_path: Path) -> None:
    source = launcher(cli_that_says(tmp_path, b'"num_turns":0', b'"num_turns":1'))
    with pytest.RaisesGroup(InstanceNonsense, flatten_subgroups=True):
        async with source.open():
            pytest.fail("it must not be opened")
    assert source.trial is None
