"""The hypercorn configuration of this server, from plain values."""

import logging

from hypercorn.config import Config

log = logging.getLogger("ccproxy_trio.server")

BACKLOG = 1024
"""Connections that may wait to be accepted. With hypercorn's 100 a burst of newcomers waits for seconds."""


def hypercorn_config(
    *, host: str, port: int, grace: float, keep_alive_timeout: float, max_header_size: int
) -> Config:
    """Configure one listener without TLS, for `hypercorn.trio.serve`.

    `host` is a name or an address, IPv6 without brackets; `port` 0 takes a free one. `grace` is how many
    seconds running requests have left after a shutdown began, `keep_alive_timeout` how many an idle
    connection stays open, and `max_header_size` how many bytes a request's line and headers may take
    together.

    hypercorn's own messages go to the logger `ccproxy_trio.server`; it writes no access log.
    """
    config = Config()
    config.bind = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    config.backlog = BACKLOG
    config.graceful_timeout = grace
    config.keep_alive_timeout = keep_alive_timeout
    config.h11_max_incomplete_size = max_header_size
    config.alpn_protocols = ["http/1.1"]
    config.accesslog = None
    config.errorlog = log
    config.include_server_header = False
    config.include_date_header = False
    return config
