"""Find the CLI, and build the command line and environment that an instance is started with.

Rules:
* A configured path is the only candidate; otherwise the first of PATH, the installer's usual places and the
  binary inside an installed `claude-agent-sdk` wheel counts.
* The child's environment is an allow-list: what the CLI documents for credentials, providers and proxies, and
  what any program needs. Nothing of a request, and no secret, ever stands in a command line.
"""

from __future__ import annotations

import importlib.util
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from .authentication import Authentication, choose_authentication
from .demo import command
from .errors import CliUnusable
from .version import ask_version, refuse_version

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOWHERE = "http://127.0.0.1:9"  # the discard port
_USUAL_PLACES = (
    ".local/bin/claude",
    ".claude/local/claude",
    ".npm-global/bin/claude",
    "node_modules/.bin/claude",
)

_FLAGS = (
    *("-p", "--input-format", "stream-json", "--output-format", "stream-json"),
    *("--verbose", "--include-partial-messages"),  # -p with stream-json exits 1 without --verbose
    *("--tools", "", "--strict-mcp-config", "--setting-sources", ""),
    *("--no-session-persistence", "--disable-slash-commands", "--permission-prompt-tool", "stdio"),
    *("--max-turns", "1"),  # no request of its own after a call of a tool
    *("--effort", "high"),  # the API's default where a model knows effort; the CLI's own would be medium
)

_ALWAYS = {
    "CLAUDE_AGENT_SDK_MCP_NO_PREFIX": "1",
    "CLAUDE_CODE_MAX_RETRIES": "0",  # ten retries take three minutes; the client retries, with our Retry-After
    # No second request in place of one that failed: the client hears of the failure and decides.
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_MODEL_ACCESS_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_REFUSAL_RETRY": "1",
    "CLAUDE_CODE_NO_MODEL_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP": "1",  # the model asked for, or upstream's 404
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_PROMPT_CACHING": "1",  # the marks for it are the client's to set
    "DISABLE_TELEMETRY": "1",
}

_PASSED = """
    PATH HOME USER LOGNAME LANG LC_ALL LC_CTYPE TZ XDG_CONFIG_HOME CLAUDE_CONFIG_DIR
    HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy
    NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR
    CLAUDE_CODE_CLIENT_CERT CLAUDE_CODE_CLIENT_KEY CLAUDE_CODE_CLIENT_KEY_PASSPHRASE CLAUDE_CODE_CERT_STORE
    CLAUDE_CODE_PROXY_RESOLVES_HOSTS
    ANTHROPIC_BASE_URL ANTHROPIC_CUSTOM_HEADERS
    ANTHROPIC_DEFAULT_OPUS_MODEL ANTHROPIC_DEFAULT_SONNET_MODEL ANTHROPIC_DEFAULT_HAIKU_MODEL
"""


@frozen
class Cli:
    """A CLI that instances can be started from. `path` is the binary, or the stand-in's file when `demo`."""

    path: Path
    version: str
    authentication: Authentication
    demo: bool = False


@frozen
class Launch:
    """How to start one instance: everything but its private folder."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    login: bool = False
    """Whether it uses a login of the CLI's own."""

    @property
    def base_url(self) -> str:
        """Where the operator says that the API is; empty for the CLI's own place."""
        return self.env.get("ANTHROPIC_BASE_URL", "")

    def environment(self, temporary: Path) -> dict[str, str]:
        """The child's whole environment; what it puts into TMPDIR goes with its private folder."""
        home = {} if "HOME" in self.env else {"HOME": str(temporary)}
        return {**self.env, **home, "TMPDIR": str(temporary)}


def locate_cli(cli_path: str, auth: str, environ: Mapping[str, str], *, demo: bool = False) -> Cli:
    """Find the CLI and ask it for its version; blocks for the tenth of a second that this takes.

    Raises CliUnusable when none is found, or it cannot be executed, or is too old.
    """
    cli = find_cli(cli_path, auth, environ, demo=demo)
    version = ask_version(command() if demo else (str(cli.path),), cli.path, environ)
    if not demo and (objection := refuse_version(version)) is not None:
        raise CliUnusable(f"{cli.path} is {objection}", cli.path)
    return evolve(cli, version=version)


def find_cli(cli_path: str, auth: str, environ: Mapping[str, str], *, demo: bool = False) -> Cli:
    """Find the CLI, and start nothing: its version is not told.

    Raises CliUnusable when there is none, or it cannot be executed.
    """
    if demo:
        return Cli(Path(command()[-1]), "", Authentication.none(), demo=True)
    authentication = choose_authentication(auth, environ)
    path = _find(cli_path, environ)
    if not path.is_file() or not os.access(path, os.X_OK):
        raise CliUnusable(f"{path} is not an executable file", path)
    return Cli(path, "", authentication)


def build_launch(cli: Cli, model: str, environ: Mapping[str, str]) -> Launch:
    """The command line and environment for instances of `cli` whose first model is `model`."""
    head = command() if cli.demo else (str(cli.path),)
    bare = ("--bare",) if cli.authentication.bare else ()
    passed = {*_PASSED.split(), *cli.authentication.variables}
    env = {name: value for name, value in environ.items() if name in passed}
    return Launch(
        argv=(*head, *_FLAGS, *bare, "--model", model),
        env={**env, **_ALWAYS},
        login=not cli.authentication.bare,
    )


def build_probe(cli: Cli, environ: Mapping[str, str]) -> Launch:
    """The same without any credential and any API that could be reached: for a probe that must cost nothing."""
    launch = build_launch(evolve(cli, authentication=Authentication.none()), "sonnet", {})
    passed = {name: environ[name] for name in ("PATH", "LANG") if name in environ}
    return evolve(
        launch, env={**passed, **_ALWAYS, "ANTHROPIC_API_KEY": "none", "ANTHROPIC_BASE_URL": _NOWHERE}
    )


def _find(cli_path: str, environ: Mapping[str, str]) -> Path:
    if cli_path:
        path = Path(cli_path)
        try:
            path = path.expanduser()
            path.stat()
        except OSError as error:
            raise CliUnusable(f"claude.cli_path names {path}: {error.strerror}", path) from error
        except RuntimeError as error:
            raise CliUnusable(f"claude.cli_path names {path}: no such home directory", path) from error
        return path.absolute()
    for candidate in _candidates(environ):
        # A folder that may not be entered, or is on a disk that has gone, is one without a CLI.
        with suppress(OSError):
            if candidate.is_file():
                return candidate.absolute()
    raise CliUnusable("no `claude` was found on PATH, in its usual places, or in a claude-agent-sdk package")


def _candidates(environ: Mapping[str, str]) -> list[Path]:
    found = [Path(folder, "claude") for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    if home := environ.get("HOME"):
        found += [Path(home, place) for place in _USUAL_PLACES]
    # find_spec does not import the package: only the binary inside it is wanted.
    spec = importlib.util.find_spec("claude_agent_sdk")
    if spec is not None and spec.submodule_search_locations:
        found += [Path(folder, "_bundled", "claude") for folder in spec.submodule_search_locations]
    return found
