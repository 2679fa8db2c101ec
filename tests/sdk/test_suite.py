"""The official client's own tests pass against the server, but for those that `expected.toml` lists with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sdk.suite import PATIENCE, Expected, Suite, read_report

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(2 * PATIENCE)
def test_as_expected(suite: Suite, demo_url: str, tmp_path: Path) -> None:
    if found := suite.run(demo_url, tmp_path):
        pytest.fail("\n".join(found), pytrace=False)


def expect(tests: int, *failing: dict[str, Any]) -> Expected:
    """A list of which nothing but the last part counts."""
    return Expected(
        package="", version="", sha256="", run=(), needed=(), plugins=(), tests=tests, failing=failing
    )


EXPECTED = expect(2, {"tests": ["*.refused*"], "because": "no tools", "error": "tools: "})


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        ({"a.taken": "", "a.refused[x]": "400 tools: no"}, []),
        ({"a.taken": "500", "a.refused": "400 tools: no"}, ["fails: a.taken\n500"]),
        ({"a.taken": "", "a.refused": ""}, ["listed (no tools), but passes: a.refused"]),
        ({"a.taken": "", "a.refused": "500"}, ["listed for 'tools: ', but fails with: a.refused\n500"]),
        ({"a.taken": "", "b.taken": ""}, ["listed, but there is no such test: *.refused*"]),
        ({"a.refused": "400 tools: no"}, ["1 tests instead of 2"]),
    ],
)
def test_what_is_not_expected_is_found(outcomes: dict[str, str], found: list[str]) -> None:
    assert EXPECTED.judge(outcomes) == found


def test_two_reasons_for_one_test_are_found() -> None:
    twice = expect(1, {"tests": ["a.b", "a.*"], "because": "", "error": ""})
    assert twice.judge({"a.b": "500"}) == ["listed twice: a.b"]


def test_a_report_is_read(tmp_path: Path) -> None:
    """A skipped test has not passed, and what went wrong after a test counts as much as what went wrong in it."""
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuites><testsuite>"
        '<testcase classname="tests.api_resources.test_a.TestA" name="test_fine[loose]"/>'
        '<testcase classname="tests.api_resources.test_a.TestA" name="test_not"><skipped message="no"/></testcase>'
        '<testcase classname="tests.api_resources.beta.test_a.TestA" name="test_bad">'
        '<failure message="one">lines</failure></testcase>'
        '<testcase classname="tests.api_resources.beta.test_a.TestA" name="test_bad">'
        '<error message="two">more</error></testcase>'
        "</testsuite></testsuites>"
    )
    assert read_report(report) == {
        "test_a.TestA.test_fine[loose]": "",
        "test_a.TestA.test_not": "skipped: no\n",
        "beta.test_a.TestA.test_bad": "failure: one\nlineserror: two\nmore",
    }
