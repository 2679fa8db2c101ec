"""The port: whether the server could listen where the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio.address import local_url
from ccproxy_trio.doctor._finding import Finding
from ccproxy_trio.listen import CannotListen, open_listener
from ccproxy_trio.watch import NoAnswer, Place, fetch

if TYPE_CHECKING:
    from ccproxy_trio.settings import ServerSettings


def check_port(server: ServerSettings) -> Finding:
    """Listen there, for a moment."""
    where = f"{server.host} port {server.port}"
    try:
        open_listener(server).close()
    except CannotListen as error:
        if _is_served(server):
            text = f"{where} is in use, by a ccproxy-trio that runs and answers"
            return Finding("port", "warning", text, "If it is the one that you mean, all is well")
        problem, _, remedy = str(error).removeprefix("ccproxy-trio: ").partition("\n")
        return Finding("port", "failed", problem, " ".join(remedy.split()))
    what = f"{where} is free" if server.port else f"any free one of {server.host}"
    return Finding("port", "ok", what, details={"host": server.host, "port": server.port})


def _is_served(server: ServerSettings) -> bool:
    """Whether one of us is there; one with keys does not say who it is."""
    try:
        return fetch(Place.parse(local_url(server)), "/", timeout=1.0).get("name") == "ccproxy_trio"
    except (NoAnswer, ValueError):
        return False
