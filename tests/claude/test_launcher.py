"""The probe: what a CLI can do decides whether its instances are used again, or at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import trio

from ccproxy_trio.claude.demo import command
from ccproxy_trio.claude.errors import InstanceError, InstanceNonsense, TurnFailed
from ccproxy_trio.claude.instance import Instance, Timeouts
from ccproxy_trio.claude.launcher import Launcher
from ccproxy_trio.claude.locate import Cli, build_launch, build_probe, locate_cli
from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.dialects.anthropic.request import MessagesRequest, parse_request
from ccproxy_trio.pool import RetireReason
from ccproxy_trio.settings import PoolSettings, Settings

ENVIRON = {"PATH": os.environ["PATH"], "ANTHROPIC_API_KEY": "dummy"}
TIMEOUTS = Timeouts(control=10.0)

FILTER = """#!{python}
import os, subprocess, sys
with open({log!r}, "a") as log:
    key, url = (os.environ.get(f"ANTHROPIC_{{name}}") for name in ("API_KEY", "BASE_URL"))
    log.write(f"key={{key}} url={{url}}\\n")
child = subprocess.Popen([*{command!r}, *sys.argv[1:]], stdin=sys.stdin, stdout=subprocess.PIPE)
for line in child.stdout:
    sys.stdout.buffer.write(line.replace({old!r}, {new!r}))
    sys.stdout.buffer.flush()
sys.exit(child.wait())
"""


def cli_that_says(folder: Path, old: bytes, new: bytes) -> Cli:
    """The stand-in, with one word of its protocol replaced; it also writes down each start."""
    path = folder / "claude"
    log = str(folder / "starts")
    path.write_text(FILTER.format(python=sys.executable, log=log, command=command(), old=old, new=new))
    path.chmod(0o755)
    cli = locate_cli(str(path), "auto", ENVIRON)
    Path(log).unlink()  # that was `--version`
    return cli


def starts(folder: Path) -> list[str]:
    return (folder / "starts").read_text().splitlines()


def launcher(cli: Cli) -> Launcher:
    return Launcher(build_launch(cli, "sonnet", ENVIRON), build_probe(cli, ENVIRON), TIMEOUTS)


def request(text: str) -> MessagesRequest:
    body = b'{"model": "sonnet", "max_tokens": 100, "messages": [{"role": "user", "content": "%s"}]}'
    return parse_request(body % text.encode())


async def ask(instance: Instance, text: str) -> str:
    turn = await instance.begin(request(text), "sonnet")
    said = ""
    while events := await turn.receive():
        for event in events:
            if event["type"] == "content_block_delta":
                said += event["delta"]["text"]
    return said


async def test_a_cli_is_probed_once_without_a_credential(tmp_path: Path) -> None:
    source = launcher(cli_that_says(tmp_path, b"same", b"same"))
    assert source.rewinds is None

    async def use(text: str) -> None:
        async with source.open() as instance:
            assert instance.reusable is True
            assert await ask(instance, text) == f"Demo echo: {text}"

    async with trio.open_nursery() as nursery:
        for text in ("one", "two", "three"):
            nursery.start_soon(use, text)
    assert source.rewinds is True
    probe, *others = starts(tmp_path)
    assert probe == "key=none url=http://127.0.0.1:9"
    assert others == ["key=dummy url=None"] * 3


async def test_a_cli_that_cannot_rewind_serves_one_conversation_a_process(tmp_path: Path) -> None:
    cli = cli_that_says(tmp_path, b'"rewound":true', b'"rewound":false')
    settings = Settings(pool_settings=PoolSettings(min_size=1, max_size=2, acquire_timeout=30.0))
    pids = set()
    async with open_claude_pool(settings, cli, ENVIRON) as claude:
        for text in ("one", "two", "three"):
            async with claude.acquire(request(text)) as lease:
                assert lease.uses == 1
                pids.add(lease.value.pid)
                assert await ask(lease.value, text) == f"Demo echo: {text}"
        retired = claude.pool.statistics().retired
    assert len(pids) == 3
    assert retired[RetireReason.USES] == 3
    assert retired[RetireReason.RESET_FAILED] == 0


async def test_a_cli_that_answers_its_history_is_refused(tmp_path: Path) -> None:
    source = launcher(cli_that_says(tmp_path, b'"num_turns":0', b'"num_turns":1'))
    with pytest.RaisesGroup(InstanceNonsense, flatten_subgroups=True):
        async with source.open():
            pytest.fail("it must not be opened")
    assert source.rewinds is None


async def test_an_unconfirmed_rewind_ends_the_instance() -> None:
    async with launcher(locate_cli("", "auto", ENVIRON, demo=True)).open() as instance:
        assert await ask(instance, "[[no_rewind]] x") == "Demo echo: x"
        with pytest.raises(InstanceError, match="was not rewound"):
            await instance.reset()


async def test_an_instance_fits_its_own_system_prompt_or_is_fresh() -> None:
    async with launcher(locate_cli("", "auto", ENVIRON, demo=True)).open() as instance:
        assert instance.fresh
        assert instance.suits((), "sonnet") == 1
        assert instance.suits(("a",), "opus") == 0
        await ask(instance, "x")
        await instance.reset()
        assert not instance.fresh
        assert instance.suits((), "sonnet") == 3
        assert instance.suits((), "opus") == 2
        assert instance.suits(("a",), "sonnet") is None


async def test_a_failed_turn_leaves_a_sound_instance() -> None:
    async with launcher(locate_cli("", "auto", ENVIRON, demo=True)).open() as instance:
        with pytest.raises(TurnFailed) as caught:
            await ask(instance, "[[status=429]]")
        assert caught.value.failure.status == 429
        await instance.reset()
        await instance.check()
        assert await ask(instance, "again") == "Demo echo: again"


async def test_left_at_any_moment_it_is_rewound_or_ended() -> None:
    async with launcher(locate_cli("", "auto", ENVIRON, demo=True)).open() as instance:
        long = parse_request(
            b'{"model": "opus", "max_tokens": 9, "messages": ['
            + b'{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},' * 20
            + b'{"role": "user", "content": "[[delay=0.05]] x"}]}'
        )
        for checkpoints in range(0, 120, 7):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:

                    async def leave(scope: trio.CancelScope, checkpoints: int) -> None:
                        for _ in range(checkpoints):
                            await trio.lowlevel.checkpoint()
                        scope.cancel()

                    nursery.start_soon(leave, scope, checkpoints)
                    turn = await instance.begin(long, "opus")
                    while await turn.receive():
                        pass
            await instance.reset()
            assert instance.exchange.untouched
        assert await ask(instance, "[[dump]]") != ""
