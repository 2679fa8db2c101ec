"""What is asked of both CLIs: how each request is made the client's own, and what goes upstream of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.cli.child import assistant, control, extra_body, is_result, new_uuid, rewind, settings, user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cli.child import Frame
    from tests.cli.story import Story

EVERYTHING = {
    "max_tokens": 77,
    "thinking": {"type": "disabled"},
    "temperature": 0.5,
    "top_k": 3,
    "stop_sequences": ["§"],
    "metadata": {"user_id": "client"},
    "service_tier": "auto",
    "output_config": {"effort": "low", "task_budget": {"type": "tokens", "total": 9}},
    "tools": [{"name": "get", "input_schema": {"type": "object"}, "strict": True, "cache_control": None}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "cache_control": {"type": "ephemeral", "ttl": "1h"},
    "betas": ["one-1"],
    "unknown": None,
    "stream": False,
}
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
MARK = {"type": "ephemeral", "ttl": "1h"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {"b": 1, "a": [None, 1.5]}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "found"}
CITED = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {"type": "web_search_result", "url": "https://x.invalid", "title": "t", "encrypted_content": "e"}
        ],
    },
    {
        "type": "text",
        "text": "cited",
        "citations": [
            {
                "type": "char_location",
                "cited_text": "c",
                "document_index": 0,
                "start_char_index": 0,
                "end_char_index": 1,
            },
            {
                "type": "web_search_result_location",
                "url": "u",
                "title": "t",
                "encrypted_index": "e",
                "cited_text": "c",
            },
        ],
    },
]


def text(said: str, **fields: Any) -> Frame:
    return {"type": "text", "text": said, **fields}


async def anchor(story: Story, step: str) -> str:
    """A message that upstream never sees."""
    return await story.turn(step, [], shouldQuery=False)


async def tell_the_settings(story: Story) -> None:
    await story.ask("initialize", control("initialize", systemPrompt=["Be brief."]))
    for number, model in enumerate(
        ("claude-sonnet-4-5", "opus", "SONNET[1m]", "claude-opus-4-5", "haiku", "best")
    ):
        for name, body in (
            ("all", json.dumps(EVERYTHING)),
            ("none", ""),
            ("shape", '{"output_format": {"a": 1}}'),
        ):
            step = f"{model} with {name}"
            identity = await story.dump(step, settings(model, CLAUDE_CODE_EXTRA_BODY=body))
            await story.ask(f"{number} after {step}", rewind(identity))
    for body in ("{nope", "[1]", "null", '{"output_config": null}'):
        await story.ask(body, rewind(await story.dump(body, extra_body(body))))
    first = await anchor(story, "anchor")
    await story.ask("the same model", settings("best"))
    await story.ask("another model", settings("sonnet"))
    await story.ask("by the other request", control("set_model", model="opus"))
    last = await story.dump("models in mid-conversation")
    await story.ask("rewind", rewind(first, last))
    await story.dump("nothing of it is left")


async def tell_the_caching(story: Story) -> None:
    await story.ask("initialize", control("initialize", systemPrompt=["Be brief."]))
    content = [
        text("one", cache_control=MARK),
        {"type": "image", "source": {"type": "url", "url": "https://x.invalid"}},
    ]
    for number, (off, hour) in enumerate([("1", ""), ("", ""), ("", "1"), ("1", "1"), ("0", "0")]):
        caching = settings(DISABLE_PROMPT_CACHING=off, ENABLE_PROMPT_CACHING_1H=hour)
        identity = await story.dump(f"caching {number}", caching, content=content)
        await story.ask(f"rewind {number}", rewind(identity))
    await story.dump("sticky")


async def tell_the_guard(story: Story) -> None:
    await story.ask("initialize", control("initialize", systemPrompt=[]))
    for number, nowhere in enumerate(("nowhere", "http://[", "http://127.0.0.1:99999")):
        await story.ask(f"guard {number}", settings(ANTHROPIC_BASE_URL=nowhere))
        identity = await story.turn(f"guarded {number}", "hello")
        await story.ask(f"rewind {number}", rewind(identity))
    identity = await story.dump("out again", settings(ANTHROPIC_BASE_URL=story.url))
    await story.ask("rewind again", rewind(identity))
    for stop in ("stop=max_tokens", "no_text; thinking=hm"):
        identity = story.name(stop)
        await story.ask(f"unguarded for {stop}", settings(ANTHROPIC_BASE_URL=story.url))
        await story.child.send(user(f"slowly [[{stop}; gap=0.3; deltas=2]]", identity))
        before = await story.child.until(lambda frame: frame.get("event", {}).get("type") == "message_start")
        await story.child.send(settings(ANTHROPIC_BASE_URL="nowhere"))
        told = before + await story.child.until(is_result)
        answers = [frame for frame in told if frame["type"] == "control_response"]
        others = [frame for frame in told if frame["type"] != "control_response"]
        story.add(f"guarded after {stop}", [*answers, *others, await story.child.frame()])
        await story.ask(f"rewind after {stop}", rewind(identity))
    await story.dump("well again", settings(ANTHROPIC_BASE_URL=story.url))


async def tell_the_tools(story: Story) -> None:
    tools = [{"name": "get", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}}]
    await story.ask("initialize", control("initialize", systemPrompt=[]))
    for name, prompt, body in (
        ("one", "[[tool=get]] x", {"tools": tools}),
        ("two", '[[tool=get,put; input={"a": [1, "ü"]}; deltas=3]] x', {"tools": tools}),
        ("after the end", "[[tool=get; stop=end_turn]] x", {}),
        ("at the limit", "[[tool=get; stop=max_tokens]] x", {}),
        ("forced", "x", {"tools": tools, "tool_choice": {"type": "any"}}),
        ("named", "x", {"tools": tools, "tool_choice": {"type": "tool", "name": "get"}}),
        ("none", "[[tool=get]] x", {"tools": tools, "tool_choice": {"type": "none"}}),
        ("unseen", "[[tool=get; no_text; thinking=hm]] x", {}),
    ):
        await story.ask(f"body of {name}", extra_body(json.dumps(body)))
        identity = await story.turn(name, prompt)
        await story.ask(f"rewind of {name}", rewind(identity))
    await story.ask("no body", extra_body(""))
    first = await anchor(story, "anchor")
    await story.turn("question", "[[tool=get]] x", shouldQuery=False)
    await story.child.send(assistant([text("let me see"), CALL]))
    last = await story.turn("result", [RESULT])
    await story.ask("rewind", rewind(first, last))
    await story.turn("orphan", [RESULT], shouldQuery=False)
    await story.child.stdin.aclose()
    story.steps["exit code"] = [await story.child.exit_code()]


async def tell_the_ends(story: Story) -> None:
    await story.ask("initialize", control("initialize", systemPrompt=[]))
    for wish in (
        'text=""',
        'text=" "',
        "no_text",
        "no_text; thinking=hm",
        "no_text; redacted=ZGF0YQ==",
        "no_text; stop=stop_sequence",
        "no_text; search=cats",
        "no_text; search=cats; stop=pause_turn",
        'text=""; stop=pause_turn',
        'text=""; stop=max_tokens',
        "stop=pause_turn",
        "stop=model_context_window_exceeded",
        "stop=tool_use",
        "stop=something_new",
        "stop=refusal; no_text",
        'stop=refusal; thinking=hm; stop_details={"type": "refusal", "category": "c"}',
        "search=cats; thinking=hm; redacted=ZGF0YQ==; deltas=2",
        'container=c1; usage={"cache_read_input_tokens": 5, "new": 1}; stop_details={"a": 1}',
    ):
        identity = await story.turn(wish, f"x [[{wish}]]")
        await story.ask(f"rewind after {wish}", rewind(identity))
    await story.ask("a stop sequence", extra_body('{"stop_sequences": ["nowhere", "on"]}'))
    await story.turn("stopped", "here and on and on")


async def tell_the_blocks(story: Story) -> None:
    await story.ask("initialize", control("initialize", systemPrompt=["Be brief."]))
    base64 = {"type": "base64", "media_type": "image/png", "data": IMAGE}
    image = {"type": "image", "source": base64, "cache_control": MARK}
    document: Frame = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "d"},
    }
    document |= {"title": None, "citations": {"enabled": True}, "cache_control": MARK}
    found = {"type": "search_result", "title": "t", "source": "s", "content": [text("c")]}
    parts: Sequence[Frame] = [
        text("see", cache_control=MARK),
        image,
        document,
        found,
        {"type": "new", "x": [1]},
    ]
    rich = {**RESULT, "content": [text("r"), image], "is_error": False}
    histories: dict[str, Sequence[Any]] = {
        "parts": [parts, assistant("seen"), *[[text("more")]] * 2],
        "strings": ["one", assistant("two"), "three", "four"],
        "thinking": ["one", assistant([THOUGHT, HIDDEN, text("two")])],
        "foreign thinking": ["one", assistant([THOUGHT, HIDDEN, text("two")], "claude-opus-4-5")],
        "only thinking": ["one", assistant([THOUGHT])],
        "only foreign thinking": ["one", assistant([THOUGHT], "claude-opus-4-5")],
        "nothing": ["one", assistant([])],
        "blank": ["one", assistant(" ")],
        "calls": ["one", assistant([THOUGHT, text("two"), {**CALL, "caller": {"type": "direct"}}]), [rich]],
        "calls before text": ["one", assistant([CALL, text("two")]), [rich, text("three")]],
        "server tools": ["one", assistant(CITED)],
        "the assistant first": [assistant("one"), "two", assistant("three"), assistant("four")],
    }
    for caching in ("1", ""):
        await story.ask(f"caching {caching}", settings(DISABLE_PROMPT_CACHING=caching))
        for name, history in histories.items():
            step = f"{name} {caching}"
            first = await anchor(story, f"anchor of {step}")
            for message in history:
                if isinstance(message, dict):
                    await story.child.send(message)
                else:
                    await story.child.turn(message, new_uuid(), shouldQuery=False)
            last = await story.dump(step, content=() if name == "strings" else parts)
            await story.ask(f"rewind of {step}", rewind(first, last))
    await story.turn("nothing at all", [])
    await story.turn("only an image", [image, document])


async def tell_the_questions(story: Story) -> None:
    fields = (
        "totalTokens",
        "maxTokens",
        "rawMaxTokens",
        "autocompactSource",
        "model",
        "autoCompactThreshold",
    )
    story.steps["models"] = (await story.answer("list_models", control("list_models")))["models"]
    await story.ask("initialize", control("initialize", systemPrompt=["Be brief, and be kind."]))

    async def count(step: str, *, exact: bool = True, **detail: str) -> None:
        answer = await story.answer(step, control("get_context_usage", **detail))
        categories = [sorted(category) for category in answer["categories"]]
        counted = [
            (one["id"], one["name"], one["kind"], one["tokens"] if exact else 0)
            for one in answer["categories"]
        ]
        kept = [answer[key] for key in fields if exact or key != "totalTokens"]
        story.steps[step] += [categories, counted, kept, sorted(answer["messageBreakdown"])]

    await count("fresh")
    await count("fresh, in short", exact=False, detail="summary")
    first = await anchor(story, "anchor")
    await count("anchored")
    await story.turn("a question", "hello there, how are you?", shouldQuery=False)
    await story.child.send(assistant("fine, thank you"))
    await count("with an answer")
    last = await story.turn("another", [text("great"), text("so am I")], shouldQuery=False)
    await count("with another", detail="full")
    await count("in short", exact=False, detail="summary")
    await story.ask("rewind", rewind(first, last))
    await story.ask("a larger model", settings("opus"))
    first = await story.turn("for it", "[[status=500]]", shouldQuery=False)
    await count("when counting fails", exact=False)
    await story.ask("rewind again", rewind(first))
    await count("for a larger model")
    await story.ask("no such detail", control("get_context_usage", detail="other"))
