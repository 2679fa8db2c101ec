"""Queries of GET /v1/models, and the pages they give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic.models import PageRequest, parse_page_request, render_model, render_page
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.models import Model, find_model

MODELS = [Model(f"m{number}", f"M {number}", (f"alias{number}",)) for number in range(7)]


def ids(page: PageRequest) -> list[str]:
    rendered = render_page(MODELS, page, lambda name: find_model(MODELS, name))
    found = [model["id"] for model in rendered["data"]]
    assert rendered["first_id"] == (found[0] if found else None)
    assert rendered["last_id"] == (found[-1] if found else None)
    return [*found, "…"] if rendered["has_more"] else found


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, PageRequest()),
        ({"limit": ["1"]}, PageRequest(limit=1)),
        ({"limit": ["5", "+1000"]}, PageRequest(limit=1000)),
        ({"after_id": ["a"], "before_id": ["b"]}, PageRequest(after="a", before="b")),
        ({"lifecycle[]": ["active"]}, PageRequest()),
        ({"lifecycle": ["active", "retired"], "lifecycle[]": ["deprecated"]}, PageRequest()),
        ({"lifecycle[]": ["deprecated", "retired"]}, PageRequest(active=False)),
        ({"beta": ["true"], "whatever": [""]}, PageRequest()),
    ],
)
def test_a_query(query: dict[str, list[str]], page: PageRequest) -> None:
    assert parse_page_request(query) == page


NO_INTEGER = "limit: Input should be a valid integer, unable to parse string as an integer"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        *(
            ({"limit": [text]}, NO_INTEGER)
            for text in ("", "x", "1.0", "1e3", "+-5", "٣", "1" * 101, "0x1", " ")
        ),
        ({"limit": ["0"]}, "limit: Input should be greater than or equal to 1"),
        ({"limit": ["-5"]}, "limit: Input should be greater than or equal to 1"),
        ({"limit": ["1001"]}, "limit: Input should be less than or equal to 1000"),
        ({"lifecycle[]": ["active", ""]}, "lifecycle.1: Input should be 'active', 'deprecated' or 'retired'"),
        ({"lifecycle[]": ["x"] * 4}, "lifecycle: List should have at most 3 items after validation, not 4"),
    ],
)
def test_a_bad_query(query: dict[str, list[str]], told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_page_request(query)
    assert str(caught.value) == told


def test_pages() -> None:
    everything = [f"m{number}" for number in range(7)]
    assert ids(PageRequest()) == everything
    assert ids(PageRequest(limit=3)) == ["m0", "m1", "m2", "…"]
    assert ids(PageRequest(limit=3, after="m2")) == ["m3", "m4", "m5", "…"]
    assert ids(PageRequest(limit=3, after="alias5")) == ["m6"]
    assert ids(PageRequest(after="m6")) == []
    assert ids(PageRequest(limit=2, before="m4")) == ["m2", "m3", "…"]
    assert ids(PageRequest(limit=2, before="m2")) == ["m0", "m1"]
    assert ids(PageRequest(limit=2, after="m0", before="m4")) == ["m1", "m2", "…"]
    assert ids(PageRequest(after="m4", before="m1")) == []
    assert ids(PageRequest(active=False)) == []


@given(st.integers(1, 9))
def test_pages_make_up_the_list_in_both_directions(limit: int) -> None:
    found: list[str] = []
    while (page := ids(PageRequest(limit=limit, after=found[-1] if found else None)))[-1:] == ["…"]:
        found += page[:-1]
    assert [*found, *page] == [model.id for model in MODELS]
    found = ["m6"]
    while (page := ids(PageRequest(limit=limit, before=found[0])))[-1:] == ["…"]:
        found = page[:-1] + found
    assert page + found == [model.id for model in MODELS]


@pytest.mark.parametrize("field", ["after_id", "before_id"])
def test_a_cursor_that_is_no_model(field: str) -> None:
    for name in ("", "nobody"):
        page = parse_page_request({field: [name]})
        with pytest.raises(InvalidRequest, match=f"^{field}: no such model: "):
            render_page(MODELS, page, lambda name: find_model(MODELS, name))
    with pytest.raises(InvalidRequest, match="no such model: other"):
        render_page(MODELS, PageRequest(after="other"), lambda name: Model(name, name))


def test_a_line_is_told_when_the_alias_and_the_name_agree() -> None:
    assert render_model(Model("claude-opus-5-5", "?", ("default", "opus")))["line"] == "opus"
    assert render_model(Model("my-own-model", "?", ("opus",)))["line"] is None
    assert render_model(Model("claude-opus-5-5", "?", ("sonnet",)))["line"] is None
