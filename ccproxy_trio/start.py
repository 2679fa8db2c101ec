"""What a start says to the operator: where it listens and with what, or why it cannot and what to do."""

from __future__ import annotations

import errno
import os
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ccproxy_trio import __version__
from ccproxy_trio.log_output import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccproxy_trio.claude.errors import CliUnusable
    from ccproxy_trio.claude.locate import Cli
    from ccproxy_trio.settings import ServerSettings, Settings

_OTHER_PORT = "choose another with --port (--port 0: any free one)"


def explain_cli(error: CliUnusable) -> str:
    """Why no server can start with this CLI, and the ways out."""
    return (
        f"ccproxy-trio: {error}.\n"
        "  Install it: pip install 'ccproxy-trio[cli]', or npm install -g @anthropic-ai/claude-code;\n"
        "  or try the server without it: ccproxy-trio serve --demo (in the environment: CLAUDE__DEMO=true)"
    )


def explain_listen(error: OSError | UnicodeError, server: ServerSettings) -> str:
    """Why nobody can listen there, and the ways out."""
    return f"ccproxy-trio: cannot listen on {server.host} port {server.port}: {_reason(error)}.\n  {_remedy(error)}."


def explain_no_keys(server: ServerSettings) -> str:
    """Why the server does not listen where other machines can reach it, and the ways out."""
    return (
        f"ccproxy-trio: will not listen on {server.host}: other machines could reach it, and there is no key to tell "
        "who may call.\n"
        "  Make one with `ccproxy-trio keys new`, and put its hash into the settings (server.keys);\n"
        "  or listen for this machine only (--host 127.0.0.1);\n"
        "  or, if something else keeps strangers away, serve whoever comes: --allow-anyone"
    )


def _reason(error: OSError | UnicodeError) -> str:
    match error:
        case UnicodeError():
            return "the host is not a valid name"
        case socket.gaierror():
            return f"the host cannot be resolved ({error.strerror})"
        case OSError(errno=int(number)):
            return os.strerror(number)  # without the address, which create_server() puts into its text
        case _:
            return str(error)


def _remedy(error: OSError | UnicodeError) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"End the program that uses it, or {_OTHER_PORT}"
        case errno.EACCES:
            return f"Give this program the right to it, or {_OTHER_PORT}"
        case _:
            return "Choose one of this machine's addresses with --host (127.0.0.1: for this machine only)"


def describe(address: str, cli: Cli, settings: Settings, *, beyond_loopback: bool) -> str:
    """The block that a start prints. `beyond_loopback`: whether other machines may reach the server and be served."""
    pool = settings.pool_settings
    size = (
        f"{pool.min_size} to {pool.max_size} instances" if pool.enabled else f"off, {pool.max_size} at once"
    )
    what = "DEMO: answers are echoes of a stand-in for the CLI" if cli.demo else f"{cli.path} {cli.version}"
    login = "" if cli.demo else f"\n  login   {cli.authentication.description}"
    warnings = _warnings(cli, settings.server) if beyond_loopback else ()
    return (
        f"ccproxy-trio {__version__} listens on {address}\n"
        f"  claude  {what}{login}\n"
        f"  pool    {size}\n"
        f"  keys    {_describe_keys(settings.server, beyond_loopback=beyond_loopback)}\n"
        + "".join(f"  WARNING {warning}\n" for warning in warnings)
        + f"  config  {settings.file or 'none found; defaults, environment and flags'}"
    )


def announce(block: str) -> None:
    """Print it. A server whose output goes nowhere serves all the same."""
    with suppress(OSError):
        Output(sys.stdout).write(f"{block}\n")


def _describe_keys(server: ServerSettings, *, beyond_loopback: bool) -> str:
    if not server.keys:
        return "none" if beyond_loopback else "none: programs of this machine may call, and no others"
    now = datetime.now(UTC)
    expired = sum(key.expires is not None and key.expires <= now for key in server.keys.values())
    return f"{len(server.keys)}" + (f", {expired} of them expired" if expired else "")


def _warnings(cli: Cli, server: ServerSettings) -> Iterator[str]:
    if not server.keys:
        yield "whoever reaches this server may use it (server.allow_anyone)"
    if not cli.authentication.bare:  # which is what only a login is
        yield (
            f"{cli.authentication.description} is for its owner's own use; "
            "where others can reach this server, it wants an API key"
        )
