"""The CLI: whether it is there, which it is, and how it gets at the API."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ccproxy_trio.address import local_url
from ccproxy_trio.claude.authentication import choose_authentication
from ccproxy_trio.claude.errors import CliUnusable
from ccproxy_trio.claude.locate import Cli, locate_cli
from ccproxy_trio.claude.version import OLDEST_VERSION
from ccproxy_trio.doctor._finding import Finding
from ccproxy_trio.start import explain_cli

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.settings import ClaudeSettings, ServerSettings

_LOG_IN = (
    "Set ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or a cloud provider's variables where the server is started; or log "
    "in once with `claude` as the server's user, and leave claude.auth at auto"
)


def locate(claude: ClaudeSettings, environ: Mapping[str, str]) -> Cli | CliUnusable:
    """The CLI that the settings lead to, or why there is none."""
    try:
        return locate_cli(claude.cli_path, claude.auth, environ, demo=claude.demo)
    except CliUnusable as error:
        return error


def check_binary(found: Cli | CliUnusable) -> Finding:
    """Whether there is a CLI that can be executed, and is not too old."""
    if isinstance(found, CliUnusable):
        # The server's own words at a start in vain: the problem, then the ways out.
        problem, _, remedy = explain_cli(found).removeprefix("ccproxy-trio: ").partition("\n")
        return Finding("binary", "failed", problem, " ".join(remedy.split()))
    what = "DEMO: a stand-in for the CLI, which echoes" if found.demo else str(found.path)
    return Finding("binary", "ok", what, details={"path": str(found.path), "demo": found.demo})


def check_version(found: Cli | CliUnusable) -> Finding:
    """Which version it is."""
    oldest = ".".join(map(str, OLDEST_VERSION))
    if isinstance(found, CliUnusable):
        return Finding("version", "skipped", "there is no CLI to ask for it")
    details = {"version": found.version, "oldest": oldest}
    return Finding("version", "ok", f"{found.version} ({oldest} or later is needed)", details=details)


def check_authentication(claude: ClaudeSettings, environ: Mapping[str, str]) -> Finding:
    """Which way the CLI authenticates itself; whether that is taken, only a turn can tell."""
    if claude.demo:
        return Finding("authentication", "ok", "none needed")
    chosen = choose_authentication(claude.auth, environ)
    details = {"auth": claude.auth, "description": chosen.description}
    # What only a login can do is not bare.
    if claude.auth == "environment" and not choose_authentication("auto", environ).bare:
        return Finding("authentication", "failed", chosen.description, _LOG_IN, details=details)
    return Finding("authentication", "ok", chosen.description, details=details)


def check_upstream(claude: ClaudeSettings, server: ServerSettings, environ: Mapping[str, str]) -> Finding:
    """Where the CLI asks: never this very server."""
    url = environ.get("ANTHROPIC_BASE_URL", "")
    if claude.demo:
        return Finding("upstream", "ok", "none: the stand-in answers by itself")
    if not url:
        return Finding("upstream", "ok", "the CLI's own place, as ANTHROPIC_BASE_URL is not set")
    if server.port and _is_same_place(url, local_url(server)):
        return Finding(
            "upstream",
            "failed",
            "ANTHROPIC_BASE_URL leads to this very server, which would ask itself",
            "Unset it where the server is started; it is for the server's clients",
        )
    try:
        shown = urlsplit(url).hostname or "something that is no URL"
    except ValueError:
        shown = "something that is no URL"
    return Finding("upstream", "ok", f"{shown} (ANTHROPIC_BASE_URL)", details={"host": shown})


def _is_same_place(url: str, other: str) -> bool:
    try:
        one, two = urlsplit(url), urlsplit(other)
        hosts = {
            "localhost" if host in {"127.0.0.1", "::1"} else host for host in (one.hostname, two.hostname)
        }
        return len(hosts) == 1 and one.port == two.port
    except ValueError:
        return False
