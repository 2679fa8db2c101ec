"""One instance, from conversation to conversation: what it fits, how it is left, and what ends it."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.claude.counting import count_tokens
from ccproxy_trio.claude.errors import (
    InstanceDied,
    InstanceError,
    InstanceNonsense,
    InstanceSilent,
    NotRewound,
    TurnFailed,
)
from ccproxy_trio.claude.instance import Instance, Timeouts
from ccproxy_trio.dialects.anthropic import MessageAssembler, parse_request, read_request
from tests.claude.instances import ask, cli_that_says, hurry, launcher

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

DUMP = [{"role": "user", "content": "[[dump]]"}]
PLAIN: dict[str, Any] = {"model": "sonnet", "max_tokens": 5, "messages": DUMP}
FULL: dict[str, Any] = {
    "model": "opus",
    "max_tokens": 2000,
    "messages": DUMP,
    "temperature": 0.5,
    "stop_sequences": ["§§"],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "tools": [{"name": "f", "input_schema": {"type": "object"}, "strict": True}],
    "tool_choice": {"type": "auto"},
    "output_config": {"effort": "low"},
}


async def body_of(instance: Instance, fields: dict[str, Any], model: str) -> dict[str, Any]:
    """What would go upstream, as the stand-in tells it when it is asked to dump."""
    turn = await instance.begin(read_request(fields), model)
    message, assembler = None, MessageAssembler()
    while events := await turn.receive():
        for event in events:
            message = assembler.feed(event) or message
    assert message is not None
    body: dict[str, Any] = json.loads(message["content"][-1]["text"])
    return body


async def test_an_unconfirmed_rewind_ends_the_instance() -> None:
    async with launcher().open() as instance:
        assert await ask(instance, "[[no_rewind]] x") == "Demo echo: x"
        with pytest.raises(InstanceError, match="was not rewound"):
            await instance.reset()


async def test_an_instance_fits_its_own_system_prompt_or_is_fresh() -> None:
    async with launcher().open() as instance:
        assert instance.fresh
        assert instance.suits(()) == instance.suits(("a",)) == 0
        await ask(instance, "x")
        await instance.reset()
        assert not instance.fresh
        assert instance.suits(()) == 1
        assert instance.suits(("a",)) is None


async def test_a_system_prompt_is_the_same_in_one_piece_and_in_two() -> None:
    async with launcher().open() as instance:
        asked = {**PLAIN, "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
        first = await body_of(instance, asked, "sonnet")
        await instance.reset()
        assert instance.suits(("a", "b")) == instance.suits(("a\n\nb",)) == 1
        assert instance.suits(("a", "c")) is instance.suits(("a\nb",)) is instance.suits(()) is None
        second = await body_of(instance, {**PLAIN, "system": "a\n\nb"}, "sonnet")
        assert first["system"] == second["system"]


async def test_a_failed_turn_leaves_a_sound_instance() -> None:
    async with launcher().open() as instance:
        with pytest.raises(TurnFailed) as caught:
            await ask(instance, "[[status=429]]")
        assert caught.value.failure.status == 429
        await instance.reset()
        await instance.check()
        assert await ask(instance, "again") == "Demo echo: again"


async def test_nothing_of_one_turn_is_left_for_the_next() -> None:
    async with launcher().open() as instance:
        first = await body_of(instance, FULL, "opus")
        assert {key: first[key] for key in FULL if key not in ("model", "messages")} == {
            key: FULL[key] for key in FULL if key not in ("model", "messages")
        }
        assert first["model"] == "claude-opus-5-5"
        await instance.reset()
        second = await body_of(instance, PLAIN, "haiku")
        assert second["model"] == "claude-haiku-5-5"
        assert (second["max_tokens"], second["thinking"]) == (5, {"type": "disabled"})
        assert not second.get("tools")
        assert not second.keys() & {"temperature", "tool_choice", "stop_sequences"}
        assert second["output_config"] == {"effort": "high"}


async def test_settings_are_told_again_when_nobody_waited_for_an_answer() -> None:
    async with launcher().open() as instance:
        await instance.begin(read_request(FULL), "opus")
        await instance.reset()
        body = await body_of(instance, PLAIN, "sonnet")
        assert (body["model"], body["max_tokens"]) == ("claude-sonnet-5-5", 5)
        assert "temperature" not in body


async def test_a_history_is_forgotten_to_its_first_word() -> None:
    async with launcher().open() as instance:
        calls = [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]
        results = [{"type": "tool_result", "tool_use_id": "t", "content": "secret"}]
        messages = [
            {"role": "user", "content": "secret"},
            {"role": "assistant", "content": calls},
            {"role": "user", "content": [*results, {"type": "text", "text": "[[dump]]"}]},
        ]
        first = await body_of(instance, {**PLAIN, "messages": messages}, "sonnet")
        assert [message["role"] for message in first["messages"]] == ["user", "assistant", "user"]
        assert first["messages"][1]["content"] == calls
        await instance.reset()
        assert "secret" not in str(await body_of(instance, PLAIN, "sonnet"))


async def test_stderr_of_one_conversation_is_not_quoted_in_the_next() -> None:
    async with launcher().open() as instance:
        assert await ask(instance, "x [[flood_stderr=40000]]") == "Demo echo: x"
        await instance.reset()
        with pytest.raises(InstanceDied) as caught:
            await ask(instance, "[[die=before_first]]")
        assert caught.value.stderr == "demo: dying, as the prompt asked"


LONG = parse_request(
    b'{"model": "opus", "max_tokens": 9, "messages": ['
    + b'{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},' * 20
    + b'{"role": "user", "content": "[[delay=0.05]] x"}]}'
)


async def ask_all(instance: Instance) -> None:
    turn = await instance.begin(LONG, "opus")
    while await turn.receive():
        pass


async def count_twice(instance: Instance) -> None:
    await count_tokens(instance, LONG.messages, "opus", ("s",))
    await instance.reset()
    await count_tokens(instance, LONG.messages[:1], "opus", ("s",))


@pytest.mark.parametrize("use", [ask_all, count_twice, Instance.list_models])
async def test_left_at_any_moment_it_is_rewound_or_ended(
    use: Callable[[Instance], Awaitable[object]],
) -> None:
    async with launcher().open() as instance:
        for checkpoints in range(0, 120, 7):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:

                    async def leave(scope: trio.CancelScope, checkpoints: int) -> None:
                        for _ in range(checkpoints):
                            await trio.lowlevel.checkpoint()
                        scope.cancel()

                    nursery.start_soon(leave, scope, checkpoints)
                    await use(instance)
            await instance.reset()
            assert instance.exchange.untouched
        system = None if instance.suits(()) is not None else "s"
        body = await body_of(instance, PLAIN if system is None else {**PLAIN, "system": system}, "sonnet")
        assert body["model"] == "claude-sonnet-5-5"
        assert [message["role"] for message in body["messages"]] == ["user"]


async def test_a_reset_of_an_unused_instance_keeps_it_fresh() -> None:
    async with launcher().open() as instance:
        await instance.reset()
        assert instance.fresh
        assert await ask(instance, "x") == "Demo echo: x"


async def test_a_system_prompt_cannot_be_changed() -> None:
    async with launcher().open() as instance:
        await ask(instance, "x")
        await instance.reset()
        other = parse_request(
            b'{"model": "m", "max_tokens": 1, "system": "s", "messages": [{"role": "user", "content": "c"}]}'
        )
        with pytest.raises(NotRewound, match="bound to another system prompt"):
            await instance.begin(other, "sonnet")


async def test_a_silent_child_is_no_more_use() -> None:
    async with launcher(timeouts=Timeouts(first_event=0.3, stall=0.3)).open() as instance:
        with pytest.raises(InstanceSilent, match=r"gave no event within 0\.3 s"):
            await ask(instance, "[[freeze]]")
        os.kill(instance.pid, signal.SIGSTOP)  # it may have been no more than slow
        hurry(instance, control=0.3)
        with pytest.raises(InstanceSilent, match=r"gave no answer to the rewind within 0\.3 s"):
            await instance.reset()
        with pytest.raises(NotRewound, match="something went wrong"):
            await instance.reset()
        with pytest.raises(InstanceNonsense, match="something went wrong"):
            await instance.check()
        os.kill(instance.pid, signal.SIGCONT)


async def test_a_stalled_answer_can_be_rewound() -> None:
    async with launcher(timeouts=Timeouts(stall=0.2)).open() as instance:
        with pytest.raises(InstanceSilent, match=r"gave no event within 0\.2 s"):
            await ask(instance, "[[hang]] x")
        await instance.reset()
        hurry(instance)
        assert await ask(instance, "again") == "Demo echo: again"


async def test_an_endless_answer_is_cut_off() -> None:
    async with launcher(timeouts=Timeouts(turn=0.3)).open() as instance:
        with pytest.raises(InstanceSilent, match=r"gave no whole answer within 0\.3 s"):
            await ask(instance, "[[deltas=1000; gap=0.01]] x")


async def test_a_question_of_the_cli_is_refused_and_the_turn_goes_on(tmp_path: Path) -> None:
    word = b'{"type":"command_lifecycle"'
    question = b'{"type":"control_request","request_id":"Q","request":{"subtype":"can_use_tool"}}'
    cli = cli_that_says(tmp_path, word, question + b"\n" + word)
    async with launcher(cli).open() as instance:
        assert await ask(instance, "x") == "Demo echo: x"
        assert instance.exchange.owed == []


async def test_a_child_that_died_cannot_be_reset() -> None:
    async with launcher().open() as instance:
        assert await ask(instance, "x") == "Demo echo: x"
        os.kill(instance.pid, signal.SIGKILL)
        with pytest.raises(InstanceDied, match="exited with status -9"):
            await instance.reset()
        with pytest.raises(InstanceError):
            await instance.check()


async def test_a_child_that_dies_at_rest_ends_its_context() -> None:
    async def live() -> None:
        async with launcher().open() as instance:
            await ask(instance, "x")
            await instance.reset()
            os.kill(instance.pid, signal.SIGKILL)
            await trio.sleep_forever()

    with pytest.RaisesGroup(
        pytest.RaisesExc(InstanceDied, match="exited with status -9"),
        flatten_subgroups=True,
        allow_unwrapped=True,
    ):
        await live()
