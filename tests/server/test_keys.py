"""Whose key it is, and that finding out takes as long for every key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ccproxy_trio.server import keys as keys_module
from ccproxy_trio.server.keys import Keyring
from ccproxy_trio.settings import KeySettings, hash_key, new_key

if TYPE_CHECKING:
    import pytest

KEYS = [new_key() for _ in range(5)]
END = datetime(2030, 1, 1, tzinfo=UTC)


def ring() -> Keyring:
    return Keyring({f"{n}": KeySettings(hash=hash_key(key)) for n, key in enumerate(KEYS)})


def test_each_key_has_its_name() -> None:
    assert [ring().find(key) for key in KEYS] == ["0", "1", "2", "3", "4"]


def test_nothing_else_has_one() -> None:
    for wrong in ("", new_key(), KEYS[0][:-1], KEYS[0] + "x", hash_key(KEYS[0]), "\xff", "\udcff", "0"):
        assert ring().find(wrong) is None
    assert Keyring({}).find(KEYS[0]) is None


def test_every_key_is_compared_in_constant_time_whichever_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    compare = keys_module.compare_digest

    def note(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(keys_module, "compare_digest", note)
    for key in (*KEYS, new_key()):
        compared.clear()
        ring().find(key)
        assert compared == [(hash_key(key).encode(), hash_key(known).encode()) for known in KEYS]


def test_a_key_expires_at_its_moment() -> None:
    moment = END - timedelta(microseconds=1)
    keys = {"ada": KeySettings(hash=hash_key("a"), expires=END), "bob": KeySettings(hash=hash_key("b"))}
    keyring = Keyring(keys, now=lambda: moment)
    assert not keyring.has_expired("ada")
    moment = END
    assert keyring.has_expired("ada")
    assert not keyring.has_expired("bob")
