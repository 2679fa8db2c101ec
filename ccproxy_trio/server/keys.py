"""Whose key is it: the one question, answered in a time that tells nothing of any key. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING

from attrs import field, frozen

from ccproxy_trio.settings import hash_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccproxy_trio.settings import KeySettings


@frozen
class Keyring:
    """The keys that are known, by name."""

    keys: Mapping[str, KeySettings]
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def find(self, key: str) -> str | None:
        """The name of this key; None if it is none. It may have expired."""
        hashed, found = hash_key(key).encode(), None
        for name, known in self.keys.items():
            # To the last one, found or not.
            if compare_digest(hashed, known.hash.encode()):
                found = name
        return found

    def has_expired(self, name: str) -> bool:
        """Whether this key was valid once."""
        expires = self.keys[name].expires
        return expires is not None and self.now() >= expires
