"""What the log tells of the pool's events: trouble as a warning, and all that happens to an instance at debug.

Where an event comes of a request, its line bears that request's id, which is the label of the lease.
"""

from __future__ import annotations

import logging

from ccproxy_trio.pool import (
    CheckFailed,
    PoolEvent,
    ResetFailed,
    ResourceCreated,
    ResourceGone,
    ResourceLeased,
    ResourceReleased,
    ResourceRetired,
    RetireReason,
)

log = logging.getLogger("ccproxy_trio.pool")

_TROUBLE = frozenset({RetireReason.DIED, RetireReason.BROKEN})


def log_event(event: PoolEvent) -> None:
    """Log an event of a pool of instances; to be its observer."""
    bearing = None if event.label is None else {"request_id": event.label}
    match event:
        case CheckFailed():
            log.warning("instance %d failed its check and is replaced: %s", event.id, event.error)
        case ResetFailed():
            said = "instance %d could not be rewound and is replaced: %s"
            log.warning(said, event.id, event.error, extra=bearing)
        case ResourceRetired(reason=reason) if reason in _TROUBLE:
            cause = event.cause or "its request tells why"
            log.warning("instance %d is replaced (%s): %s", event.id, reason, cause, extra=bearing)
        case _ if not log.isEnabledFor(logging.DEBUG):
            pass
        case ResourceCreated():
            log.debug("instance %d is ready, after %.3f s", event.id, event.took)
        case ResourceLeased():
            said = "instance %d is lent, for the %d. time, after a wait of %.3f s"
            log.debug(said, event.id, event.uses, event.waited, extra=bearing)
        case ResourceReleased():
            log.debug("instance %d is given back, after %.3f s", event.id, event.held, extra=bearing)
        case ResourceRetired():
            log.debug("instance %d is to end (%s)", event.id, event.reason, extra=bearing)
        case ResourceGone():
            log.debug("instance %d is gone", event.id, extra=bearing)
