"""How the server is set up: so small and impatient that everything there is to meet is met within seconds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ccproxy_trio.settings import hash_key, new_key

if TYPE_CHECKING:
    from pathlib import Path

MIN_SIZE, MAX_SIZE, MAX_WAITING = 2, 4, 6
ACQUIRE_TIMEOUT, CREATE_TIMEOUT, BODY_TIMEOUT = 2.0, 3.0, 2.0
LARGEST_BODY = 1_000_000
AT_ONCE, PER_MINUTE = 5, 200
"""The limits of the second key."""

FREE, LIMITED, EXPIRED, UNKNOWN = (new_key() for _ in range(4))
"""Two keys that work, one that did, and one that nobody knows."""
KEYS = {
    "free": {"hash": hash_key(FREE)},
    "limited": {
        "hash": hash_key(LIMITED),
        "concurrency": AT_ONCE,
        "requests_per_minute": PER_MINUTE,
        "models": ["sonnet", "haiku"],
    },
    "expired": {"hash": hash_key(EXPIRED), "expires": "2020-01-01"},
}
FORBIDDEN_MODEL = "opus"
"""To the second key."""


def variables(cli: Path) -> dict[str, str]:
    """The settings as environment variables."""
    settings: dict[str, object] = {
        "CLAUDE__CLI_PATH": cli,
        "CLAUDE__CONTROL_TIMEOUT": 1.5,
        "CLAUDE__FIRST_EVENT_TIMEOUT": 1.5,
        "CLAUDE__STALL_TIMEOUT": 1.5,
        "CLAUDE__TURN_TIMEOUT": 8,
        "POOL_SETTINGS__MIN_SIZE": MIN_SIZE,
        "POOL_SETTINGS__MAX_SIZE": MAX_SIZE,
        "POOL_SETTINGS__MAX_WAITING": MAX_WAITING,
        "POOL_SETTINGS__ACQUIRE_TIMEOUT": ACQUIRE_TIMEOUT,
        "POOL_SETTINGS__CREATE_TIMEOUT": CREATE_TIMEOUT,
        "POOL_SETTINGS__CHECK_TIMEOUT": 1,
        "POOL_SETTINGS__CHECK_AFTER_IDLE": 0.3,
        "POOL_SETTINGS__HEALTH_CHECK_INTERVAL": 0.5,
        "POOL_SETTINGS__IDLE_TIMEOUT": 2,
        "POOL_SETTINGS__RESET_TIMEOUT": 2,
        "POOL_SETTINGS__MAX_USES": 30,
        "POOL_SETTINGS__MAX_LIFETIME": 15,
        "SERVER__BODY_TIMEOUT": BODY_TIMEOUT,
        "SERVER__GRACE": 10,
        "SERVER__KEYS": json.dumps(KEYS),
        "SERVER__MAX_BODY_SIZE": LARGEST_BODY,
        "SERVER__PING_INTERVAL": 0.5,
        "ANTHROPIC_API_KEY": "none",
    }
    return {name: str(value) for name, value in settings.items()}
