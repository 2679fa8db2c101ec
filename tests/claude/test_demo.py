"""The stand-in CLI by itself: what it answers, how it fails when a prompt asks it to, and how it ends.

What it says in which order is compared with the real binary in tests/cli/test_parity.py.
"""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ccproxy_trio.claude.demo import command
from tests.cli.child import (
    FLAGS,
    Child,
    Frame,
    assistant,
    control,
    extra_body,
    is_delta,
    is_response,
    is_result,
    new_uuid,
    open_child,
    rewind,
    settings,
    user,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DIED = 70


@pytest.fixture
async def child(tmp_path: Path) -> AsyncIterator[Child]:
    async with open_child([*command(), *FLAGS], {}, tmp_path) as child:
        yield child


def events_of(frames: list[Frame]) -> list[Frame]:
    return [frame["event"] for frame in frames if frame["type"] == "stream_event"]


def text_of(frames: list[Frame]) -> str:
    deltas = [event["delta"] for event in events_of(frames) if event["type"] == "content_block_delta"]
    return "".join(delta["text"] for delta in deltas)


def result_of(frames: list[Frame]) -> Frame:
    return next(filter(is_result, frames))


def is_message_stop(frame: Frame) -> bool:
    return [event["type"] for event in events_of([frame])] == ["message_stop"]


async def test_the_version_is_printed_in_the_form_of_the_cli(tmp_path: Path) -> None:
    async with open_child([*command(), "--version"], {}, tmp_path) as child:
        assert await child.line() == b"2.1.330 (ccproxy demo)"
        assert await child.exit_code() == 0


async def test_it_echoes_and_says_that_it_is_a_demo(child: Child) -> None:
    frames = await child.turn("hello there")
    assert text_of(frames) == "Demo echo: hello there"
    assert len(list(filter(is_delta, frames))) == 5
    delta = events_of(frames)[-2]
    assert delta["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert delta["usage"] == {"output_tokens": 4}


async def test_directives_shape_the_answer_and_are_not_echoed(child: Child) -> None:
    assert text_of(await child.turn("a [[deltas=2]] b")) == "Demo echo: a b"
    assert text_of(await child.turn("[[text=nothing else; stop=pause_turn]]")) == "nothing else"
    frames = await child.turn([{"type": "text", "text": "in blocks [[deltas=30]]"}])
    assert len(list(filter(is_delta, frames))) == 30
    assert text_of(frames) == "Demo echo: in blocks" + "." * 10


@pytest.mark.parametrize("text", ["\t" * 10**6, "[[" * 10**6, "]]" * 10**6, " spaces  stay "])
async def test_text_without_directives_is_echoed_as_it_is(text: str, child: Child) -> None:
    assert text_of(await child.turn(text)) == f"Demo echo: {text}"


async def test_a_longer_answer_than_max_tokens_is_cut_at_the_word(child: Child) -> None:
    assert "response" not in await child.ask(extra_body('{"max_tokens": 3}'))
    await child.send(user("one two three", new_uuid()))
    frames = await child.until(is_message_stop)
    assert text_of(frames) == "Demo echo: one"
    assert events_of(frames)[-2]["delta"]["stop_reason"] == "max_tokens"


async def test_control_requests_are_answered_in_mid_stream(child: Child) -> None:
    identity = new_uuid()
    await child.send(user("slowly [[deltas=3; gap=60]]", identity))
    await child.until(is_delta)
    await child.send(control("get_binary_version"))
    (answer,) = await child.until(is_response)
    assert answer["response"]["response"]["version"] == "2.1.330"
    await child.ask(rewind(identity))
    await child.send(user("slowly [[deltas=30; gap=0.01]]", new_uuid()))
    frames = await child.until(is_delta)
    await child.send(control("get_binary_version"))
    while not (any(map(is_result, frames)) and any(map(is_response, frames))):
        frames.append(await child.frame())
    assert len(list(filter(is_delta, frames))) == 30


async def test_a_used_uuid_is_dropped_even_after_its_rewind(child: Child) -> None:
    identity = new_uuid()
    await child.turn("once", identity)
    assert (await child.ask(rewind(identity)))["response"]["rewound"] is True
    await child.send(user("twice", identity), control("get_binary_version"))
    assert [frame["type"] for frame in await child.until(is_response)] == ["control_response"]


async def test_nothing_of_a_rewound_turn_is_left(child: Child) -> None:
    first = new_uuid()
    await child.turn("secret", first, shouldQuery=False)
    await child.send(assistant("secret, too"))
    last = new_uuid()
    await child.turn("the last secret [[gap=0.01]]", last)
    assert (await child.ask(rewind(first, last)))["response"]["rewound"] is True
    body = json.loads(result_of(await child.turn("[[dump]]"))["result"])
    marked = {"type": "text", "text": "[[dump]]", "cache_control": {"type": "ephemeral"}}
    assert body["messages"] == [{"role": "user", "content": [marked]}]


@pytest.mark.parametrize(
    ("at", "texts"),
    [("before_first", 0), ("mid_stream", 2), ("after_result", 5)],
)
async def test_dying(at: str, texts: int, child: Child) -> None:
    await child.send(user(f"go [[die={at}]]", new_uuid()))
    frames = []
    while line := await child.line():
        frames.append(json.loads(line))
    assert len(list(filter(is_delta, frames))) == texts
    assert len(list(filter(is_result, frames))) == (at == "after_result")
    assert await child.exit_code() == DIED
    assert child.stderr == b"demo: dying, as the prompt asked\n"


async def test_half_a_line_is_the_last_that_is_heard(child: Child) -> None:
    await child.send(user("go [[half_line; at=3]]", new_uuid()))
    lines = []
    while line := await child.line():
        lines.append(line)
    assert lines[-1].startswith(b'{"type":"stream_event"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[-1])
    assert await child.exit_code() == DIED


async def test_garbage_is_one_line_in_mid_stream(child: Child) -> None:
    await child.send(user("go [[garbage]]", new_uuid()))
    lines = [await child.line()]
    while b'"type":"result"' not in lines[-1]:
        lines.append(await child.line())
    assert lines.count(b"this line is no JSON") == 1


async def test_an_endless_line_fills_whatever_takes_it(child: Child) -> None:
    await child.send(user("go [[endless_line; at=0]]", new_uuid()))
    await child.until(lambda frame: frame.get("subtype") == "status")
    size = 0
    with trio.fail_after(10):
        while size < 2**22:
            data = await child.stdout.receive_some()
            assert b"\n" not in data
            size += len(data)


async def test_a_hanging_turn_can_be_rewound(child: Child) -> None:
    identity = new_uuid()
    await child.send(user("go [[hang; at=4]]", identity))
    await child.until(is_delta)
    await child.send(rewind(identity))
    frames = await child.until(is_response)
    assert result_of(frames)["terminal_reason"] == "aborted_streaming"
    assert frames[-1]["response"]["response"]["rewound"] is True
    assert text_of(await child.turn("well again")) == "Demo echo: well again"


async def test_a_frozen_child_answers_no_more(child: Child) -> None:
    await child.send(user("go [[freeze]]", new_uuid()))
    await child.until(is_delta)
    answered = True
    with trio.fail_after(5):
        while answered:  # what is asked in the moment before is still answered
            with trio.move_on_after(0.3) as scope:
                await child.ask(control("get_binary_version"))
            answered = not scope.cancelled_caught
    assert child.process.poll() is None


async def test_answers_under_a_wrong_id_and_refused_rewinds(child: Child) -> None:
    identity = new_uuid()
    await child.turn("go [[wrong_id; no_rewind]]", identity)
    answer = await child.ask(rewind(identity))
    assert answer["request_id"] == "not-rewind_conversation-request"
    assert answer["response"]["rewound"] is False


async def test_a_flood_on_stderr_comes_before_the_answer(child: Child) -> None:
    assert text_of(await child.turn("go [[flood_stderr=200000]]")) == "Demo echo: go"
    await child.stdin.aclose()
    assert await child.exit_code() == 0
    assert len(child.stderr) >= 200_000


async def test_ignore_term_needs_a_kill(child: Child) -> None:
    await child.turn("go [[ignore_term]]")
    await child.stdin.aclose()
    child.process.terminate()
    with trio.move_on_after(0.3) as scope:
        await child.process.wait()
    assert scope.cancelled_caught
    child.process.kill()
    assert await child.exit_code() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)]
)
@pytest.mark.parametrize("prompt", ["", "slowly [[gap=5]]"])
async def test_signals(number: signal.Signals, code: int, prompt: str, child: Child) -> None:
    await child.ask(control("get_binary_version"))
    if prompt:
        await child.send(user(prompt, new_uuid()))
        await child.until(is_delta)
    child.process.send_signal(number)
    assert await child.exit_code() == code


@pytest.mark.parametrize(
    ("prompt", "code"), [("", 0), ("fine", 0), ("fail [[status=500]]", 1), ("[[gap=0.01]]", 0)]
)
async def test_the_end_of_stdin_lets_the_turn_end(prompt: str, code: int, child: Child) -> None:
    if prompt:
        await child.send(user(prompt, new_uuid()))
    await child.stdin.aclose()
    frames = []
    while line := await child.line():
        frames.append(json.loads(line))
    assert len(list(filter(is_result, frames))) == bool(prompt)
    assert await child.exit_code() == code


async def test_a_reader_that_leaves_ends_it_quietly(child: Child) -> None:
    await child.ask(control("get_binary_version"))
    await child.stdout.aclose()
    await child.send(user("go [[deltas=100; gap=0.01]]", new_uuid()))
    assert await child.exit_code() == 1
    assert child.stderr == b""


async def test_a_line_of_some_megabytes_is_taken_whole(child: Child) -> None:
    frames = await child.turn("x" * 2**22 + " [[deltas=1]]")
    assert len(text_of(frames)) == len("Demo echo: ") + 2**22


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_input_may_come_in_any_pieces(size: int, child: Child) -> None:
    data = json.dumps(user("hello", new_uuid())).encode() + b"\n"
    for start in range(0, len(data), size):
        await child.stdin.send_all(data[start : start + size])
    assert text_of(await child.until(is_result)) == "Demo echo: hello"


@pytest.mark.parametrize(
    "directive",
    ["gap=x", "deltas=0", "deltas=1e99", "delay=NaN", "status=42", "at=-1; cut=", "[1]", "=", ";;"],
)
async def test_directives_without_sense_are_no_crash(directive: str, child: Child) -> None:
    result = result_of(await child.turn(f"go [[{directive}]]"))
    assert result["is_error"] == ("cut" in directive)


@pytest.mark.parametrize("content", [None, 7, [], [{"type": "text"}], ["text"]])
async def test_content_without_text_is_echoed_as_nothing(content: Any, child: Child) -> None:
    assert text_of(await child.turn(content)) == "Demo echo: "


async def test_images_and_documents_alone_are_echoed_by_their_kind(child: Child) -> None:
    await child.turn("[[text=before]]")
    image, document = {"type": "image", "source": {}}, {"type": "document", "source": {}}
    assert text_of(await child.turn([image])) == "Demo echo: [image]"
    assert text_of(await child.turn([document, image, image])) == "Demo echo: [document] [image] [image]"
    assert (
        text_of(await child.turn([image, {"type": "text", "text": "what is it?"}]))
        == "Demo echo: what is it?"
    )


async def test_a_broken_address_keeps_requests_in_and_a_whole_one_lets_them_out(child: Child) -> None:
    for address, failed in (
        ("nowhere", True),
        ("", False),
        ("https://[", True),
        ("https://x.invalid", False),
    ):
        await child.ask(settings(ANTHROPIC_BASE_URL=address))
        result = result_of(await child.turn("[[die=before_first]] x" if failed else "x"))
        assert result["is_error"] is failed, address
        assert result["result"] == ("API Error: Invalid URL" if failed else "Demo echo: x")


async def test_variables_of_its_start_count_until_they_are_set_anew(tmp_path: Path) -> None:
    env = {"DISABLE_PROMPT_CACHING": "1", "CLAUDE_CODE_EXTRA_BODY": '{"max_tokens": 2}'}
    marks = []
    async with open_child([*command(), *FLAGS], env, tmp_path) as child:
        for frame in (settings(), settings(DISABLE_PROMPT_CACHING="")):
            await child.ask(frame)
            body = json.loads(result_of(await child.turn("[[dump]]"))["result"])
            assert body["max_tokens"] == 2
            marks.append([block.get("cache_control") for block in body["system"]])
    assert marks == [[None] * 3, [None, {"type": "ephemeral"}, {"type": "ephemeral"}]]


async def test_a_turn_that_may_not_go_on_ends_at_the_call_of_a_tool(tmp_path: Path) -> None:
    async with open_child([*command(), *FLAGS, "--max-turns", "1"], {}, tmp_path) as child:
        frames = await child.turn("[[tool=a,b; deltas=2]] x")
        assert [event["type"] for event in events_of(frames)].count("message_start") == 1
        assert result_of(frames)["terminal_reason"] == "max_turns"
        assert frames[-1]["state"] == "completed"
        await child.stdin.aclose()
        assert await child.exit_code() == 1
