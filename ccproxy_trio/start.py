"""What a start says to the operator: where it listens and with what, or why it cannot and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio import __version__
from ccproxy_trio.claude.errors import CliUnusable

if TYPE_CHECKING:
    from ccproxy_trio.claude.locate import Cli
    from ccproxy_trio.settings import Settings


def explain_start(error: CliUnusable | OSError, settings: Settings) -> str:
    """Why no server can start, and the ways out."""
    if isinstance(error, CliUnusable):
        return (
            f"ccproxy-trio: {error}.\n"
            "  Install it: pip install 'ccproxy-trio[cli]', or npm install -g @anthropic-ai/claude-code;\n"
            "  or try the server without it: ccproxy-trio serve --demo"
        )
    server = settings.server
    return (
        f"ccproxy-trio: cannot listen on {server.host} port {server.port}: {error.strerror or error}.\n"
        "  End the program that uses it, or choose another with --host and --port (--port 0: any free one)."
    )


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
