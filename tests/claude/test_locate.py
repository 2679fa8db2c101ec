"""Finding the CLI, what a child is started with, and who vouches for it upstream."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from ccproxy_trio.claude.authentication import choose_authentication
from ccproxy_trio.claude.errors import CliUnusable
from ccproxy_trio.claude.locate import build_launch, build_probe, locate_cli


def fake_cli(path: Path, script: str = "echo '2.1.330 (Claude Code)'") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_path_comes_before_the_usual_places(tmp_path: Path) -> None:
    at_home = fake_cli(tmp_path / "home/.local/bin/claude")
    environ = {"PATH": f"{tmp_path / 'nothing'}:{tmp_path / 'bin'}", "HOME": str(tmp_path / "home")}
    assert locate_cli("", "auto", environ).path == at_home
    on_path = fake_cli(tmp_path / "bin/claude")
    cli = locate_cli("", "auto", environ)
    assert (cli.path, cli.version, cli.demo) == (on_path, "2.1.330", False)


def test_an_installed_wheel_is_found_without_importing_it() -> None:
    cli = locate_cli("", "auto", {})
    assert cli.path.parts[-3:] == ("claude_agent_sdk", "_bundled", "claude")
    assert "claude_agent_sdk" not in sys.modules


def test_a_configured_path_is_the_only_candidate(tmp_path: Path) -> None:
    fake_cli(tmp_path / "bin/claude")
    mine = fake_cli(tmp_path / "mine")
    assert locate_cli(str(mine), "auto", {"PATH": str(tmp_path / "bin")}).path == mine
    with pytest.raises(CliUnusable, match=r"claude\.cli_path names .*missing: No such file or directory"):
        locate_cli(str(tmp_path / "missing"), "auto", {"PATH": str(tmp_path / "bin")})


def test_a_place_that_cannot_be_looked_at_is_passed_over(tmp_path: Path) -> None:
    found = fake_cli(tmp_path / "claude")
    assert locate_cli("", "auto", {"PATH": f"/{'x' * 300}:{tmp_path}"}).path == found


def test_a_home_that_is_not_there() -> None:
    with pytest.raises(CliUnusable, match=r"claude\.cli_path names ~nobody!/claude: no such home"):
        locate_cli("~nobody!/claude", "auto", {})


def test_none_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(CliUnusable, match="no `claude` was found on PATH"):
        locate_cli("", "auto", {"PATH": str(tmp_path), "HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo '2.1.247 (Claude Code)'", "is version 2.1.247; 2.1.248 or later is needed"),
        ("echo '1.9.999 (Claude Code)'", "is version 1.9.999; 2.1.248 or later is needed"),
        ("echo hello", "--version printed no version: hello"),
        ("echo broken >&2; exit 4", "--version exited with 4: broken"),
        ("exit 1", "--version exited with 1: nothing printed"),
    ],
)
def test_a_cli_that_cannot_serve(tmp_path: Path, script: str, message: str) -> None:
    path = fake_cli(tmp_path / "claude", script)
    with pytest.raises(CliUnusable) as caught:
        locate_cli(str(path), "auto", {})
    assert message in str(caught.value)
    assert caught.value.path == path


def test_what_is_not_executable(tmp_path: Path) -> None:
    path = tmp_path / "claude"
    path.write_text("text")
    with pytest.raises(CliUnusable, match="is not an executable file"):
        locate_cli(str(path), "auto", {})
    path.chmod(0o755)
    path.write_bytes(b"\x7fELF nonsense")
    with pytest.raises(CliUnusable, match="cannot be executed: Exec format error"):
        locate_cli(str(path), "auto", {})


def test_the_demo_needs_no_cli() -> None:
    cli = locate_cli("", "auto", {}, demo=True)
    assert cli.demo
    launch = build_launch(cli, "sonnet", {})
    assert launch.argv[:2] == (sys.executable, "-I")
    assert Path(launch.argv[2]).is_file()


@pytest.mark.parametrize(
    ("auth", "environ", "description", "bare"),
    [
        ("auto", {}, "the CLI's own login", False),
        ("auto", {"ANTHROPIC_API_KEY": "k"}, "API key from ANTHROPIC_API_KEY", True),
        ("auto", {"ANTHROPIC_API_KEY": ""}, "the CLI's own login", False),
        ("auto", {"ANTHROPIC_AUTH_TOKEN": "t"}, "auth token from ANTHROPIC_AUTH_TOKEN", True),
        ("auto", {"CLAUDE_CODE_OAUTH_TOKEN": "t"}, "login token from CLAUDE_CODE_OAUTH_TOKEN", False),
        ("auto", {"CLAUDE_CODE_USE_BEDROCK": "1"}, "Amazon Bedrock (CLAUDE_CODE_USE_BEDROCK)", True),
        ("auto", {"CLAUDE_CODE_USE_BEDROCK": "0"}, "the CLI's own login", False),
        ("login", {"ANTHROPIC_API_KEY": "k"}, "the CLI's own login", False),
        ("environment", {}, "environment, but no credential variable is set", True),
        (
            "environment",
            {"CLAUDE_CODE_USE_VERTEX": "true"},
            "Google Vertex AI (CLAUDE_CODE_USE_VERTEX)",
            True,
        ),
    ],
)
def test_who_vouches_upstream(auth: str, environ: dict[str, str], description: str, bare: bool) -> None:
    authentication = choose_authentication(auth, environ)
    assert authentication.description == description
    assert authentication.bare is bare


ENVIRON = {
    "PATH": "/usr/bin",
    "HOME": "/nonexistent",
    "HTTPS_PROXY": "http://proxy",
    "ANTHROPIC_BASE_URL": "http://api",
    "ANTHROPIC_API_KEY": "key-1",
    "CLAUDE_CODE_OAUTH_TOKEN": "token-1",
    "AWS_SECRET_ACCESS_KEY": "aws-1",
    "GITHUB_TOKEN": "secret",
    "LD_PRELOAD": "/evil.so",
    "NODE_OPTIONS": "--require evil",
    "TMPDIR": "/var/tmp",
}


def test_a_child_gets_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    launch = build_launch(locate_cli(str(fake_cli(tmp_path / "claude")), "auto", ENVIRON), "opus", ENVIRON)
    environment = launch.environment(tmp_path)
    passed = {name: value for name, value in environment.items() if name in ENVIRON}
    assert passed == {
        "PATH": "/usr/bin",
        "HOME": "/nonexistent",
        "HTTPS_PROXY": "http://proxy",
        "ANTHROPIC_BASE_URL": "http://api",
        "ANTHROPIC_API_KEY": "key-1",
        "TMPDIR": str(tmp_path),
    }
    assert environment["CLAUDE_CODE_MAX_RETRIES"] == "0"
    assert launch.argv[-3:] == ("--bare", "--model", "opus")
    assert not any("key-1" in part for part in launch.argv)


def test_a_login_is_not_mixed_with_a_key(tmp_path: Path) -> None:
    launch = build_launch(locate_cli(str(fake_cli(tmp_path / "claude")), "login", ENVIRON), "opus", ENVIRON)
    assert "ANTHROPIC_API_KEY" not in launch.env
    assert launch.env["CLAUDE_CODE_OAUTH_TOKEN"] == "token-1"
    assert "--bare" not in launch.argv


def test_a_provider_gets_its_own_variables_only(tmp_path: Path) -> None:
    environ = {**ENVIRON, "CLAUDE_CODE_USE_BEDROCK": "1"}
    launch = build_launch(locate_cli(str(fake_cli(tmp_path / "claude")), "auto", environ), "opus", environ)
    assert launch.env["AWS_SECRET_ACCESS_KEY"] == "aws-1"
    assert "ANTHROPIC_API_KEY" not in launch.env


PROXIES = """
HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy CLAUDE_CODE_PROXY_RESOLVES_HOSTS
NODE_EXTRA_CA_CERTS CLAUDE_CODE_CERT_STORE
CLAUDE_CODE_CLIENT_CERT CLAUDE_CODE_CLIENT_KEY CLAUDE_CODE_CLIENT_KEY_PASSPHRASE
ANTHROPIC_BASE_URL ANTHROPIC_CUSTOM_HEADERS CLAUDE_CONFIG_DIR
"""
AWS = "AWS_REGION AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"
BEDROCK = "AWS_BEARER_TOKEN_BEDROCK ANTHROPIC_BEDROCK_BASE_URL ANTHROPIC_BEDROCK_SERVICE_TIER"
PROVIDERS = {
    "CLAUDE_CODE_USE_BEDROCK": f"{AWS} {BEDROCK} CLAUDE_CODE_SKIP_BEDROCK_AUTH CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_MANTLE": f"{AWS} ANTHROPIC_BEDROCK_MANTLE_BASE_URL CLAUDE_CODE_SKIP_MANTLE_AUTH",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS": (
        f"{AWS} ANTHROPIC_AWS_BASE_URL ANTHROPIC_AWS_WORKSPACE_ID ANTHROPIC_AWS_API_KEY "
        "CLAUDE_CODE_SKIP_ANTHROPIC_AWS_AUTH"
    ),
    "CLAUDE_CODE_USE_VERTEX": (
        "ANTHROPIC_VERTEX_PROJECT_ID ANTHROPIC_VERTEX_BASE_URL CLOUD_ML_REGION GOOGLE_APPLICATION_CREDENTIALS "
        "CLAUDE_CODE_SKIP_VERTEX_AUTH VERTEX_REGION_CLAUDE_HAIKU_4_5 VERTEX_REGION_CLAUDE_5_OPUS"
    ),
    "CLAUDE_CODE_USE_FOUNDRY": (
        "ANTHROPIC_FOUNDRY_RESOURCE ANTHROPIC_FOUNDRY_BASE_URL ANTHROPIC_FOUNDRY_API_KEY "
        "ANTHROPIC_FOUNDRY_AUTH_TOKEN CLAUDE_CODE_SKIP_FOUNDRY_AUTH"
    ),
    "ANTHROPIC_API_KEY": "",
    "ANTHROPIC_AUTH_TOKEN": "",
}


@pytest.mark.parametrize("switch", PROVIDERS)
def test_what_the_cli_documents_for_a_provider_passes(tmp_path: Path, switch: str) -> None:
    named = {switch, *PROVIDERS[switch].split(), *PROXIES.split()}
    environ = dict.fromkeys((*named, "GITHUB_TOKEN", "AZURE_CLIENT_SECRET_2", "VERTEX_REGION"), "1")
    cli = locate_cli(str(fake_cli(tmp_path / "claude")), "auto", environ)
    assert build_launch(cli, "opus", environ).env.keys() & environ.keys() == named


def test_a_probe_has_no_credential_and_reaches_no_api(tmp_path: Path) -> None:
    probe = build_probe(locate_cli(str(fake_cli(tmp_path / "claude")), "auto", ENVIRON), ENVIRON)
    environment = probe.environment(tmp_path)
    assert environment["ANTHROPIC_API_KEY"] == "none"
    assert environment["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:9"
    assert environment["HOME"] == str(tmp_path)
    assert not {"key-1", "token-1", "aws-1", "secret", "http://proxy"} & set(environment.values())
