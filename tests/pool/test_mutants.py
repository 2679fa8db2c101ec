"""The tests of the pool, tested: each mutant dies, the unchanged copy lives, and a table that rots is an error."""

from __future__ import annotations

import pytest
import trio

from tests.pool import mutants
from tests.pool.mutants import MUTATIONS
from tests.pool.mutate import Mutation, Verdict, judge_all, mutated

pytestmark = pytest.mark.timeout(900)

HARMLESS = Mutation(
    "nothing but a comment", "_policy.py", "import enum\n", "import enum  # changed\n", "it changes nothing"
)


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    """The verdicts on all, the harmless one too."""
    return {verdict.name: verdict for verdict in trio.run(judge_all, [*MUTATIONS, HARMLESS])}


def test_the_unchanged_copy_passes(verdicts: dict[str, Verdict]) -> None:
    assert verdicts["nothing changed"].killed_by is None


@pytest.mark.parametrize("name", [mutation.name for mutation in MUTATIONS])
def test_the_tests_kill(verdicts: dict[str, Verdict], name: str) -> None:
    assert verdicts[name].killed_by is not None


def test_who_does_no_harm_survives(verdicts: dict[str, Verdict]) -> None:
    assert verdicts[HARMLESS.name].killed_by is None
    assert mutants.survivors(list(verdicts.values())) == [HARMLESS.name]
    *_, last = mutants.table(list(verdicts.values())).splitlines()
    assert last.split("  ")[0] == HARMLESS.name
    assert "NOBODY" in last


def test_every_mutant_has_a_name_of_its_own_and_a_reason() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 14
    assert all(mutation.why and mutation.old != mutation.new for mutation in MUTATIONS)


@pytest.mark.parametrize(("source", "found"), [("a = 2\n", 0), ("a = 1\na = 1\n", 2)])
def test_an_old_text_that_is_not_there_exactly_once_is_an_error(source: str, found: int) -> None:
    mutation = Mutation("m", "_policy.py", "a = 1\n", "a = 3\n", "why")
    with pytest.raises(ValueError, match=rf"'m': the old text is {found} times in _policy\.py, not once"):
        mutated(source, mutation)
