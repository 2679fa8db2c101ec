"""File descriptors: a connection takes one, an instance some, and who runs out of them serves nobody.

The limit that a process starts with is often 1024, for the sake of programs that use select(); the one to which it
may be raised is far higher.
"""

import logging
import resource

from .crowd import MOST_TOLD

OWN = 64 + MOST_TOLD
"""For what else the server has open, and for connections beyond the most."""
OF_AN_INSTANCE = 12
"""Twice what it has at rest, as one may close while the next starts."""

log = logging.getLogger("ccproxy_trio.server")


def ensure_descriptors(connections: int, instances: int) -> int:
    """Raise the process's limit for so many connections and instances; how many connections there may be then.

    They are fewer, and that is logged, where the limit cannot be raised as far.
    """
    others = OWN + OF_AN_INSTANCE * instances
    needed = connections + others
    limit, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < needed:
        limit = needed if highest == resource.RLIM_INFINITY else min(needed, highest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, highest))
        if limit < needed:
            fewer = max(1, limit - others)
            log.warning(
                "server.max_connections is %d, but there can be %d: this process may open %d files only (ulimit -n)",
                connections,
                fewer,
                limit,
            )
            return fewer
    return connections
