"""What a start says to the operator: where it listens and with what, or why it cannot and what to do."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

from ccproxy_trio import __version__

if TYPE_CHECKING:
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


def describe(address: str, cli: Cli, settings: Settings) -> str:
    """The block that a start prints."""
    pool = settings.pool_settings
    size = (
        f"{pool.min_size} to {pool.max_size} instances" if pool.enabled else f"off, {pool.max_size} at once"
    )
    what = "DEMO: answers are echoes of a stand-in for the CLI" if cli.demo else f"{cli.path} {cli.version}"
    login = "" if cli.demo else f"\n  login   {cli.authentication.description}"
    return (
        f"ccproxy-trio {__version__} listens on {address}\n"
        f"  claude  {what}{login}\n"
        f"  pool    {size}\n"
        f"  config  {settings.file or 'none found; defaults, environment and flags'}"
    )
