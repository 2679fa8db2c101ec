"""The socket that the server listens on, or why there can be none."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ccproxy_trio.server.hosts import is_loopback
from ccproxy_trio.start import explain_listen, explain_no_keys

if TYPE_CHECKING:
    from ccproxy_trio.settings import ServerSettings


class CannotListen(Exception):
    """Nobody can listen there, or nobody should. The text tells the operator why, and the ways out."""


def open_listener(server: ServerSettings) -> socket.socket:
    """Listen where the settings say. Raises CannotListen.

    That other machines could reach the address, and nothing would keep them from calling, is such a reason.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        if not (server.keys or server.allow_anyone or is_loopback(str(address[0]))):
            raise CannotListen(explain_no_keys(server))
        return socket.create_server(address[:2], family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        raise CannotListen(explain_listen(error, server)) from error
