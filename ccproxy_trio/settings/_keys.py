"""The keys that callers are known by: what stands in the settings about each, and how one is made.

Only a hash of a key is kept. A fast one is right here: slow hashes make up for passwords that can be guessed, and a
key of 256 random bits cannot be, at any speed. It needs no salt either, since no two keys are alike; and a slow hash
would give everybody who sends wrong keys a means to keep the server busy.
"""

import secrets
from datetime import datetime
from hashlib import sha256

import attrs

from ccproxy_trio.settings._option import option, required

NAME = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,38}"
"""What a key may be called. A key is longer than that, so that none passes for a name, which is shown."""

_PREFIX = "ccproxy-"


def new_key() -> str:
    """A fresh key, of 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """What is kept of a key."""
    return f"sha256:{sha256(key.encode(errors='surrogatepass')).hexdigest()}"


@attrs.frozen(kw_only=True)
class KeySettings:
    """One key: who has it may call."""

    hash: str = required(
        "Hash of the key; `ccproxy-trio keys new` makes both.",
        pattern=r"sha256:[0-9a-f]{64}",
        form='"sha256:" and 64 hexadecimal digits in lower case',
        secret=True,
    )
    models: tuple[str, ...] = option(
        (),
        "Models that it may use, by any of their names or by patterns (claude-haiku-*); all, if there are none.",
    )
    requests_per_minute: int | None = option(
        None, "Requests that it may make in a minute, as many at once.", unit="requests", minimum=1
    )
    concurrency: int | None = option(
        None, "Requests that it may have under way at the same time.", unit="requests", minimum=1
    )
    expires: datetime | None = option(  # noqa: RUF009 -- a field, which is not shared
        None, "The moment from which on it is not valid; of a date, the first, in UTC."
    )
