"""How a pool is sized and how long it waits: one frozen value, checked when it is made.

Times are seconds as float, `math.inf` means "never" where it is allowed. What the pool itself awaits on a resource
(create, check, reset, close) has no "never": a bound that is not finite is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn, TypeGuard


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolConfig:
    """The settings of a pool. A value that cannot work raises `ValueError` naming the field and the value."""

    min_size: int = 2
    """Resources kept alive. Idle clean-up stops here, and whatever dies below it is replaced in the background."""

    max_size: int = 10
    """Resources at most, a hard limit: those starting and those still closing count."""

    idle_timeout: float = 300.0
    """Seconds after which an idle resource above `min_size` is closed. 0: as soon as nobody waits. inf: never."""

    warmup_on_startup: bool = True
    """Create `min_size` (and `min_fresh`) resources when the pool starts. If false nothing is created before the
    first acquire; from then on both floors hold all the same."""

    health_check_interval: float = 60.0
    """Seconds between two rounds of `check` over the idle resources, one at a time. inf: no rounds."""

    acquire_timeout: float = 5.0
    """Seconds an acquire may take in all, when the caller names no timeout. inf: as long as it takes."""

    min_fresh: int = 0
    """Never-leased resources kept ready, within `max_size`. When the pool is full, idle resources that have been
    used give way to them, the least recently used first (reason `unfit`)."""

    max_waiting: float = math.inf
    """Acquires that may wait at once (an integer, or inf). When one more comes, it or another fails at once with
    `PoolSaturated`: another if that is of the tenant of which the most wait, and the newcomer is of a smaller one."""

    max_starting: int = 4
    """Resources being created at once, at most. While the factory fails it is tried one at a time."""

    create_timeout: float = 30.0
    """Seconds for entering the factory's context; then the creation is cancelled and counts as failed."""

    check_timeout: float = 5.0
    """Seconds for one call of `check`; then the resource is retired (reason `unhealthy`)."""

    reset_timeout: float = 5.0
    """Seconds for one call of `reset`; then the resource is retired (reason `reset_failed`)."""

    close_timeout: float = 5.0
    """Seconds for leaving the factory's context; then what is left of it is cancelled."""

    max_lifetime: float = math.inf
    """Seconds after its creation that a resource is retired: at once if idle, else when it is released."""

    lifetime_jitter: float = 0.1
    """Fraction (0 to below 1) by which each lifetime is shortened at random, so that resources created together
    do not all end together."""

    max_uses: float = math.inf
    """Leases after which a resource is retired (an integer, or inf). 1: every lease has a resource of its own."""

    retire_on_error: bool = True
    """Retire a resource (reason `broken`) when an exception, a cancellation too, leaves the body of its lease. False
    is for resources whose `reset` finds out by itself whether they can be used again."""

    check_after_idle: float = 30.0
    """Seconds for which a resource is trusted after its creation, its last use or its last good check. One that has
    rested longer is checked before it is handed over. 0: always. inf: never."""

    create_backoff: tuple[float, float] = (0.5, 30.0)
    """Seconds to leave a failing factory alone: after the first failure, and at most. Doubled at each failure."""

    overtake_limit: float = 1.0
    """Seconds for which the oldest waiter may be passed over because what comes free does not fit it; then the
    next resource that comes free is replaced by a fresh one for it (reason `unfit`)."""

    def __post_init__(self) -> None:
        """Check every field and the relations between them."""
        for name in ("min_size", "min_fresh"):
            self._require_count(name, at_least=0)
        for name in ("max_size", "max_starting"):
            self._require_count(name, at_least=1)
        for name in ("max_waiting", "max_uses"):
            self._require_count(name, at_least=1, or_inf=True)
        for name in ("idle_timeout", "acquire_timeout", "check_after_idle", "overtake_limit"):
            self._require_seconds(name, zero=True, endless=True)
        for name in ("health_check_interval", "max_lifetime"):
            self._require_seconds(name, zero=False, endless=True)
        for name in ("create_timeout", "check_timeout", "reset_timeout", "close_timeout"):
            self._require_seconds(name, zero=False, endless=False)
        if not _is_number(self.lifetime_jitter) or not 0 <= self.lifetime_jitter < 1:
            self._refuse("lifetime_jitter", "a fraction from 0 to below 1")
        self._require_backoff()
        for name in ("warmup_on_startup", "retire_on_error"):
            self._require_bool(name)
        for name in ("min_size", "min_fresh"):
            if getattr(self, name) > self.max_size:
                self._refuse(name, f"at most max_size ({self.max_size})")

    def _require_bool(self, name: str) -> None:
        value: object = getattr(self, name)
        if not isinstance(value, bool):
            self._refuse(name, "true or false")

    def _require_count(self, name: str, *, at_least: int, or_inf: bool = False) -> None:
        value: object = getattr(self, name)
        if or_inf and value == math.inf:
            return
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            self._refuse(name, f"an integer of at least {at_least}{' or inf' if or_inf else ''}")

    def _require_seconds(self, name: str, *, zero: bool, endless: bool) -> None:
        value: object = getattr(self, name)
        if (
            not _is_number(value)
            or value < 0
            or (value == 0 and not zero)
            or (value == math.inf and not endless)
        ):
            self._refuse(
                name,
                f"{'a' if endless else 'a finite'} number of seconds, {'0 or more' if zero else 'above 0'}",
            )

    def _require_backoff(self) -> None:
        match self.create_backoff:
            case (first, most) if _is_number(first) and _is_number(most) and 0 < first <= most < math.inf:
                pass
            case _:
                self._refuse(
                    "create_backoff", "a pair of finite seconds (first, most) with 0 < first <= most"
                )

    def _refuse(self, name: str, wanted: str) -> NoReturn:
        raise ValueError(f"PoolConfig.{name} = {getattr(self, name)!r}: must be {wanted}")
