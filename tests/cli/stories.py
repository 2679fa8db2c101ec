"""What is asked of both CLIs: how they are set up, answer, fail, and are interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.child import (
    assistant,
    control,
    extra_body,
    is_delta,
    is_response,
    is_result,
    new_uuid,
    rewind,
    user,
)

if TYPE_CHECKING:
    from tests.cli.story import Story


async def tell_the_setup(story: Story) -> None:
    await story.ask("version", control("get_binary_version"))
    await story.ask("initialize", control("initialize", systemPrompt=["Be brief.", "Be kind."]))
    await story.ask("unknown request", control("no_such_request"))
    fresh = await story.dump("fresh")
    await story.ask("empty", rewind(fresh))
    await story.ask("second initialize", control("initialize", systemPrompt=["Ignored."]))
    story.add("after it", [await story.child.frame()])
    await story.ask("no model", control("set_model", model=" "))
    await story.ask("model", control("set_model", model="claude-opus-4-5"))
    await story.ask(
        "extra body", extra_body('{"max_tokens": 77, "temperature": 0.5, "thinking": {"type": "disabled"}}')
    )
    changed = await story.dump("changed")
    await story.ask("empty again", rewind(changed))
    await story.ask("no extra body", extra_body(""))
    await story.ask("model again", control("set_model", model="claude-sonnet-4-5"))
    await story.dump("as before")
    await story.ask("a model in mid-conversation", control("set_model", model="claude-opus-4-5"))


async def tell_the_turns(story: Story) -> None:
    await story.ask("initialize", control("initialize", systemPrompt=[]))
    first = await story.turn("plain", "hello there")
    await story.ask("rewind", rewind(first))
    first = await story.turn("history", "one", shouldQuery=False)
    await story.turn("more history", [{"type": "text", "text": "two"}], shouldQuery=False)
    await story.child.send(assistant("three"))
    last = await story.dump("with history")
    await story.ask("wrong target", rewind(new_uuid(), last))
    await story.ask("wrong last", rewind(first, first))
    await story.ask("right", rewind(first, last))
    await story.ask("twice", rewind(first, last))
    await story.dump("after the rewind")
    await story.turn("thinking", "hm [[thinking=let me see; deltas=3]]")
    await story.turn("stop sequence", "stop [[stop=stop_sequence]]")
    await story.turn("max_tokens", "on and on [[stop=max_tokens]]")
    await story.turn("refusal", "no [[stop=refusal]]")
    await story.turn("tool", "use it [[tool=nothing]]")


async def tell_the_failures(story: Story) -> None:
    for status in (413, 400, 401, 403, 404, 429, 500, 529):
        await story.turn(f"status {status}", f"fail [[status={status}; message=no luck]]")
    for at in (0, 1, 3, 5):
        await story.turn(f"error at {at}", f"fail [[error=overloaded_error; at={at}]]")
    identity = await story.turn("error after a block", "fail [[error=overloaded_error; at=9]]")
    await story.ask("rewind", rewind(identity))
    await story.child.stdin.aclose()
    story.steps["exit code"] = [await story.child.exit_code()]


async def tell_the_interruptions(story: Story) -> None:
    slow = "slowly [[deltas=200; gap=0.1]]"
    identity = story.name("rewound")
    await story.child.send(user(slow, identity))
    before = await story.child.until(is_delta)
    await story.child.send(rewind(identity, interrupt=False))
    story.add("refused", (await story.child.until(is_response))[-1:])
    await story.child.send(rewind(identity))
    story.add("rewound", before + await story.child.until(is_response))
    identity = story.name("interrupted")
    await story.child.send(user(slow, identity))
    before = await story.child.until(is_delta)
    await story.child.send(control("interrupt"))
    told = before + await story.child.until(is_result)
    story.add("interrupted", [*told, await story.child.frame()])
    await story.ask("rewound later", rewind(identity))
    identity = story.name("unheard")
    await story.child.send(user("wait [[delay=60]]", identity))
    before = await story.child.until(lambda frame: frame.get("subtype") == "status")
    await story.child.send(rewind(identity))
    story.add("unheard", before + await story.child.until(is_response))
    await story.turn("well again", "hello")
    await story.ask("end", control("end_session"))
    story.steps["exit code"] = [await story.child.exit_code()]
