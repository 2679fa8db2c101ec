"""Marks for prompt caching: which are carried, which the CLI's own stand for, and which are ignored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic.caching import Caching, plan_caching
from tests.dialects.anthropic.bodies import (
    FOUND,
    LONG,
    PNG,
    SHORT,
    TOOL,
    assistant,
    call,
    document,
    image,
    parse,
    result,
    search_result,
    text,
    user,
)

MARKED = text("b", cache_control=SHORT)
ON_SYSTEM = [text("s", cache_control=SHORT)]
FOR_LONG = [text("s", cache_control=LONG)]
SYSTEM = "system.0.cache_control"


def plan(*messages: Any, **fields: Any) -> Caching:
    """The plan for a body, which is one that `parse_request` takes."""
    fields["messages"] = list(messages) or [user("Hi")]
    request = parse(**fields)
    caching = plan_caching(fields)
    assert (request.system_cache, request.ignored) == (caching.system, caching.ignored)
    return caching


def round_of(called: Any, *answer: Any) -> list[Any]:
    return [user("a"), assistant(called), user(*answer)]


def test_no_mark_no_caching() -> None:
    assert plan(system="s") == plan(system=[text("s", cache_control=None)]) == Caching()


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [user(MARKED)]},
        {"messages": [user(text("a", cache_control=LONG), MARKED)]},
        {"tools": [{**TOOL, "cache_control": SHORT}]},
        {"cache_control": LONG},
        {"messages": round_of(call(), result(cache_control=LONG, content=[MARKED]))},
        {"messages": [user(document("content", cache_control=LONG), search_result(content=[MARKED]))]},
        {"messages": [user("a"), assistant({**FOUND, "cache_control": SHORT}, text("b")), user("c")]},
    ],
)
def test_marks_elsewhere_are_carried_and_none_is_added(fields: dict[str, Any]) -> None:
    messages = fields.pop("messages", [user("Hi")])
    assert plan(*messages, **fields) == Caching()


@pytest.mark.parametrize("system", [[], ON_SYSTEM])
def test_marks_on_what_the_cli_writes_anew_are_ignored(system: list[Any]) -> None:
    messages = [
        user(image(cache_control=SHORT), text("a")),
        *round_of(call(cache_control=LONG), result())[1:],
    ]
    ignored = ("messages.0.content.0.cache_control", "messages.1.content.0.cache_control")
    assert plan(*messages, system=system) == Caching("5m" if system else None, ignored)


def test_inside_another_block_an_image_is_left_as_it_is() -> None:
    marked = image(cache_control=SHORT)
    assert plan(*round_of(call(), result(content=[marked]))) == Caching()
    page = document("content") | {"source": {"type": "content", "content": [marked]}}
    assert plan(user(page)) == Caching()
    # And so it counts.
    assert plan(user(page, page), system=ON_SYSTEM) == Caching(None, (SYSTEM,))


@pytest.mark.parametrize(
    ("system", "lasting", "ignored"),
    [
        (ON_SYSTEM, "5m", ()),
        (FOR_LONG, "1h", ()),
        ([text("s", cache_control={**SHORT, "ttl": "5m"})], "5m", ()),
        ([text("r"), *FOR_LONG, text("t")], "1h", ()),
        ([*ON_SYSTEM, *ON_SYSTEM], "5m", ()),
        ([*FOR_LONG, *ON_SYSTEM], "5m", (f"{SYSTEM}.ttl",)),
        ([*ON_SYSTEM, *FOR_LONG], "5m", ("system.1.cache_control.ttl",)),
    ],
)
def test_a_mark_on_the_system_prompt(system: list[Any], lasting: Any, ignored: tuple[str, ...]) -> None:
    assert plan(system=system) == Caching(lasting, ignored)


def test_the_mark_on_the_last_block_is_one_of_the_three() -> None:
    last = text("b", cache_control=LONG)
    where = "messages.0.content.1.cache_control"
    assert plan(user(text("a"), MARKED), system=ON_SYSTEM) == Caching("5m")
    assert plan(user(text("a"), last), system=FOR_LONG) == Caching("1h")
    assert plan(user(text("a"), last), system=ON_SYSTEM) == Caching("5m", (f"{where}.ttl",))
    assert plan(user(text("a"), MARKED), system=FOR_LONG) == Caching("5m", (f"{SYSTEM}.ttl",))
    # It has its mark then, though the CLI writes it anew.
    assert plan(user(text("a"), image(cache_control=SHORT)), system=ON_SYSTEM) == Caching("5m")
    assert plan(user(text("a"), image(cache_control=SHORT))) == Caching(None, (where,))


def test_there_is_room_for_one_more() -> None:
    a, b = text("a", cache_control=SHORT), text("b", cache_control=SHORT)
    tools = [{**TOOL, "cache_control": LONG}]
    assert plan(user(a, b), system=ON_SYSTEM) == Caching("5m")
    assert plan(user(a, b, text("c")), system=ON_SYSTEM) == Caching(None, (SYSTEM,))
    assert plan(system=FOR_LONG, tools=tools) == Caching("1h")
    assert plan(system=ON_SYSTEM, cache_control=SHORT) == Caching("5m")
    assert plan(system=ON_SYSTEM, cache_control=SHORT, tools=tools) == Caching(None, (SYSTEM,))
    assert plan(*round_of(call(), result(content=[MARKED])), system=ON_SYSTEM, tools=tools) == Caching(
        None, (SYSTEM,)
    )


def test_no_long_mark_stands_behind_a_short_one() -> None:
    """The CLI's last one comes after all others, and the API takes no long mark behind a short one."""
    assert plan(user(MARKED, text("c")), system=FOR_LONG) == Caching("5m", (f"{SYSTEM}.ttl",))
    assert plan(system=FOR_LONG, cache_control=SHORT) == Caching("5m", (f"{SYSTEM}.ttl",))
    kept = text("b", cache_control=LONG)
    assert plan(user(kept, text("c")), system=FOR_LONG) == Caching("1h")
    last = "messages.0.content.1.cache_control.ttl"
    assert plan(user(kept, MARKED), system=FOR_LONG) == Caching("1h", (last,))
    # What is in no order that the API would take is refused there.
    assert plan(user(kept, text("c")), system=ON_SYSTEM) == Caching("5m")


def test_what_a_server_tool_found_may_hold_anything() -> None:
    odd = [{"cache_control": {"a": 1}}, "x", {"type": "image", "source": 5, "cache_control": 1}, None]
    messages = [user("a"), assistant({**FOUND, "content": odd}, text("b")), user("c")]
    assert plan(*messages) == Caching()
    assert plan(*messages, system=ON_SYSTEM) == Caching(None, (SYSTEM,))


MARKS = st.sampled_from([{}, {}, {"cache_control": SHORT}, {"cache_control": LONG}])
SIMPLE = st.builds(lambda mark: text("a", **mark), MARKS) | st.builds(lambda mark: image(PNG, **mark), MARKS)
BLOCKS = (
    SIMPLE
    | st.builds(
        lambda mark, held: document("content", **mark) | {"source": {"type": "content", "content": held}},
        MARKS,
        st.lists(SIMPLE, max_size=2),
    )
    | st.builds(
        lambda mark, held: search_result(content=held, **mark),
        MARKS,
        st.lists(st.builds(lambda mark: text("a", **mark), MARKS), max_size=2),
    )
)
BODIES = st.fixed_dictionaries(
    {
        "messages": st.lists(
            st.builds(lambda held: user(*held), st.lists(BLOCKS, min_size=1, max_size=3)), min_size=1
        ),
        "system": st.lists(st.builds(lambda mark: text("s", **mark), MARKS), max_size=3),
        "tools": st.lists(st.builds(lambda mark: {**TOOL, **mark}, MARKS), max_size=1),
    },
    optional={"cache_control": st.sampled_from([SHORT, LONG])},
)


def lasting(held: dict[str, Any]) -> list[str]:
    return [str(held["cache_control"].get("ttl", "5m"))] if "cache_control" in held else []


def marks_of(block: dict[str, Any]) -> list[str]:
    source = block["source"] if block["type"] == "document" else {}
    held = [*block.get("content", []), *source.get("content", [])]
    return [*(each for nested in held for each in marks_of(nested)), *lasting(block)]


def upstream(fields: dict[str, Any], own: str | None) -> list[str]:
    """How long each mark lasts, in the order of the API's body: a model of what the CLI was seen to do."""
    found = [each for tool in fields["tools"] for each in lasting(tool)]
    found += [own, own] if own else []
    *before, last = [block for message in fields["messages"] for block in message["content"]]
    if own:
        last = {**last, "cache_control": {"ttl": own}}
    found += [each for block in before if block["type"] != "image" for each in marks_of(block)]
    found += marks_of(last) if own or last["type"] != "image" else []
    return found + lasting(fields)


def written(fields: dict[str, Any]) -> list[str]:
    """The same of the client's own marks, as they stand in its body, from the system prompt on."""
    blocks = [block for message in fields["messages"] for block in message["content"]]
    return [each for block in [*fields["system"], *blocks] for each in marks_of(block)] + lasting(fields)


@given(BODIES)
def test_with_the_clis_own_there_are_never_more_than_four(fields: dict[str, Any]) -> None:
    caching = plan_caching(fields)
    if caching.system is not None:
        marks = upstream(fields, caching.system)
        assert len(marks) <= 4
        behind = marks[len([tool for tool in fields["tools"] if "cache_control" in tool]) :]
        # The API takes "1h" before "5m", and never the other way round.
        assert behind == sorted(behind) or written(fields) != sorted(written(fields))
    elif any("cache_control" in block for block in fields["system"]):
        # It was not given up without need.
        assert len(upstream(fields, "5m")) > 4


@given(BODIES)
def test_every_mark_is_carried_or_stood_for_or_told(fields: dict[str, Any]) -> None:
    caching = plan_caching(fields)
    last = f"messages.{len(fields['messages']) - 1}.content.{len(fields['messages'][-1]['content']) - 1}"
    for number, message in enumerate(fields["messages"]):
        for index, block in enumerate(message["content"]):
            if "cache_control" in block:
                path = f"messages.{number}.content.{index}"
                replaced = caching.system is not None and path == last
                lost = block["type"] == "image" and not replaced
                assert (f"{path}.cache_control" in caching.ignored) == lost
                shortened = replaced and block["cache_control"].get("ttl", "5m") != caching.system
                assert (f"{path}.cache_control.ttl" in caching.ignored) == shortened
    for index, block in enumerate(fields["system"]):
        marked = "cache_control" in block
        path = f"system.{index}.cache_control"
        assert (path in caching.ignored) == (marked and caching.system is None)
        shortened = marked and caching.system not in (None, block["cache_control"].get("ttl", "5m"))
        assert (f"{path}.ttl" in caching.ignored) == shortened
