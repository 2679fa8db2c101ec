"""The difference of two states is a merge patch; what is told of instances, settings and keys; and what is not."""

from __future__ import annotations

from types import MappingProxyType, SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.claude.memory import Memory
from ccproxy_trio.pool import ResourceGone, ResourceRetired, ResourceSnapshot, RetireReason
from ccproxy_trio.server.dashboard.retirements import KEPT, Retirements
from ccproxy_trio.server.dashboard.state import describe_instances, describe_settings, difference
from ccproxy_trio.settings import OPTIONS, KeySettings, ServerSettings, Settings, hash_key

LEAVES = (
    st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x"]) | st.lists(st.integers(0, 2), max_size=2)
)
NAMES = st.sampled_from(["a", "b", "c"])
STATES = st.dictionaries(NAMES, st.recursive(LEAVES, lambda held: st.dictionaries(NAMES, held, max_size=3)))


def merge(target: Any, patch: Any) -> Any:
    """What RFC 7396 has as MergePatch."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


@given(STATES, STATES)
def test_the_difference_leads_from_one_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    patch = difference(before, after)
    assert merge(before, patch) == after
    assert bool(patch) == (before != after)


def test_an_instance_in_each_state() -> None:
    process = SimpleNamespace(pid=7)
    states: dict[Any, tuple[float | None, int, str]] = {
        "starting": (None, 0, "starting"),
        "idle": (11.0, 3, "idle"),
        "in_use": (11.0, 3, "leased"),
        "checking": (11.0, 0, "checking"),
        "resetting": (11.0, 3, "resetting"),
        "retiring": (11.0, 3, "retiring"),
    }
    for number, (state, (born, uses, shown)) in enumerate(states.items()):
        value = None if born is None else process
        one = ResourceSnapshot(
            id=number, state=state, since=12.5, born=born, uses=uses, reason=None, value=value
        )
        told = describe_instances([one], {7: Memory(300, 200)}, 10.0)
        born_told = {} if born is None else {"born": 1.0, "rss": 300, "pss": 200}
        # How long the others last is not told: `since` is of the rest or the lease before.
        since_told = {"since": 2.5} if shown in {"starting", "idle", "leased"} else {}
        assert told == {str(number): {"state": shown, "uses": uses, **since_told, **born_told}}
    fresh = ResourceSnapshot(id=9, state="idle", since=1.0, born=1.0, uses=0, reason=None, value=process)
    assert describe_instances([fresh], {}, 0.0)["9"] == {
        "state": "fresh",
        "since": 1.0,
        "uses": 0,
        "born": 1.0,
    }


def test_every_setting_is_told_and_no_key() -> None:
    keys = {name: KeySettings(hash=hash_key(name), models=("secret-model",)) for name in ("ada", "bob")}
    settings = Settings(
        server=ServerSettings(keys=MappingProxyType(keys)),
        origins=MappingProxyType({"server.keys": "a.toml"}),
    )
    told = describe_settings(settings)
    assert told.keys() == OPTIONS.keys()
    assert told["server.keys"] == {"value": "2 (not shown)", "origin": "a.toml"}
    assert told["server.port"] == {"value": "8000", "origin": "default"}
    assert told["claude.models"]["value"] == "{}"
    assert describe_settings(Settings())["server.keys"]["value"] == "none"
    everything = str(told)
    assert not any(word in everything for word in ("ada", "bob", "secret-model", hash_key("ada")))


def test_the_last_retirements() -> None:
    noted = Retirements()
    died = ValueError("status 70. " * 50)
    for number in range(KEPT + 1):
        cause = died if number == KEPT else None
        reason = RetireReason.DIED if cause else RetireReason.IDLE
        noted.note(ResourceRetired(pool="p", time=5.0, id=number, reason=reason, cause=cause))
    assert noted.latest(1.0) == {}  # They are on their way.
    for number in range(KEPT + 1):
        noted.note(ResourceGone(pool="p", time=6.0, id=number, uses=3, age=2.0, error=None))
    noted.note(
        ResourceGone(pool="p", time=6.0, id=99, uses=3, age=2.0, error=None)
    )  # It went before this began.
    told = noted.latest(1.0)
    assert list(told) == [str(number) for number in range(1, KEPT + 1)]
    assert told["1"] == {"id": 1, "reason": "idle", "uses": 3, "age": 2.0, "at": 4.0}
    assert told[str(KEPT)]["cause"] == str(died)[:200]
