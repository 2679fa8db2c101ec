"""Where a server that runs with some settings is reached from its own machine."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccproxy_trio.settings import ServerSettings


def local_url(server: ServerSettings) -> str:
    """The server's URL for programs of this machine. Raises ValueError where its port is any free one."""
    if not server.port:
        raise ValueError("server.port is 0, which is any free port")
    return f"http://{_reachable(server.host)}:{server.port}"


def _reachable(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:  # where to listen, and nobody's own
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"
