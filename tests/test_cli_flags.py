"""The command line: its flags become settings, and a mistake becomes a message."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import attrs
import pytest
from click.testing import CliRunner, Result

from ccproxy_trio import __version__
from ccproxy_trio.cli import main
from ccproxy_trio.settings import OPTIONS, KeySettings, Settings, hash_key, load


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Settings]:
    """Put a server in place that only notes its settings, in an empty directory and environment."""
    noted: list[Settings] = []

    def run(settings: Settings, *_: object) -> int:
        noted.append(settings)
        return 7

    module = ModuleType("ccproxy_trio.serve")
    module.run = run  # type: ignore[attr-defined]  # a module made by hand
    monkeypatch.setitem(sys.modules, "ccproxy_trio.serve", module)
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        monkeypatch.delenv(name)
    return noted


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False, prog_name="ccproxy-trio")


def in_process(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Nothing of the environment but what measures coverage in a child.
    environ = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=30, check=False
    )


def test_without_flags_all_is_default_and_the_exit_code_is_the_servers(served: list[Settings]) -> None:
    result = invoke("serve")
    assert (result.exit_code, result.output, served) == (7, "", [Settings()])


def test_every_option_has_its_own_flag() -> None:
    flags = [
        name for option in OPTIONS.values() if not option.secret for name in (option.flag, option.off_flag)
    ]
    assert len(set(flags) | {"--config", "--help"}) == len(flags) + 2


SAMPLES = {bool: [], int: ["3"], float: ["2.5"], str: ["text"]}


@pytest.mark.parametrize("key", [key for key, option in OPTIONS.items() if option.kind in SAMPLES])
def test_every_flag_sets_its_option(key: str, served: list[Settings]) -> None:
    option = OPTIONS[key]
    expected = {bool: True, int: 3, float: 2.5, str: "text"}[option.kind]
    invoke("serve", option.flag, *SAMPLES[option.kind])
    if option.kind is bool:
        invoke("serve", option.off_flag)
    sections = [attrs.asdict(settings)[option.section] for settings in served]
    assert [section[option.name] for section in sections] == [expected, False][: len(served)]
    assert len(served) == (2 if option.kind is bool else 1)
    assert served[0].origin(key) == f"flag {option.flag}"
    assert {served[0].origin(other) for other in OPTIONS if other != key} == {"default"}


@pytest.mark.parametrize(
    ("arguments", "key", "value", "origin"),
    [
        (["--pool"], "enabled", True, "flag --pool"),
        (["--no-pool"], "enabled", False, "flag --no-pool"),
        (["--pool", "--no-pool"], "enabled", False, "flag --no-pool"),
        (["--no-warmup-on-startup"], "warmup_on_startup", False, "flag --no-warmup-on-startup"),
        (["--max-lifetime", "inf"], "max_lifetime", float("inf"), "flag --max-lifetime"),
        (["--min-size=0"], "min_size", 0, "flag --min-size"),
    ],
)
def test_flags_of_the_pool(
    arguments: Sequence[str], key: str, value: object, origin: str, served: list[Settings]
) -> None:
    invoke("serve", *arguments)
    (settings,) = served
    assert getattr(settings.pool_settings, key) == value
    assert settings.origin(f"pool_settings.{key}") == origin


def test_flags_of_claude(served: list[Settings]) -> None:
    invoke("serve", "--models", "fast=haiku", "--models", "gpt-4o=opus", "--auth", "login", "--cli-path", "")
    (settings,) = served
    assert settings.claude.models == {"fast": "haiku", "gpt-4o": "opus"}
    assert settings.claude.auth == "login"
    assert settings.origin("claude.cli_path") == "flag --cli-path"
    assert settings.origin("claude.demo") == "default"


def test_flags_of_browsers(served: list[Settings]) -> None:
    origins = ("https://a.example", "https://b.example")
    invoke("serve", "--allow-host", "proxy", "--allow-origin", origins[0], "--allow-origin", origins[1])
    (settings,) = served
    assert (settings.server.allowed_hosts, settings.server.allowed_origins) == (("proxy",), origins)
    assert settings.server.allow_anyone is False


def test_a_new_key_goes_into_the_file_as_printed(tmp_path: Path) -> None:
    made = [invoke("keys", "new", "--name", "ada@home"), invoke("keys", "new")]
    assert [result.exit_code for result in made] == [0, 0]
    keys = [result.stdout.partition("\n")[0] for result in made]
    tables = [result.stdout.partition("\n")[2] for result in made]
    (tmp_path / "ccproxy.toml").write_text("".join(tables))
    known = load(environ={}, cwd=tmp_path).server.keys
    assert known == {
        "ada@home": KeySettings(hash=hash_key(keys[0])),
        "default": KeySettings(hash=hash_key(keys[1])),
    }
    assert keys[0] != keys[1]
    assert not any(key in table for key in keys for table in tables)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 40, "a\n"])
def test_a_key_must_have_a_name_that_the_settings_take(name: str) -> None:
    result = invoke("keys", "new", f"--name={name}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for --name: " in result.stderr


def test_flags_win_over_the_environment_and_that_over_the_file(
    served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("my.toml").write_text("[server]\nport = 1\ngrace = 1\nhost = 'file'\n")
    monkeypatch.setenv("SERVER__PORT", "2")
    monkeypatch.setenv("SERVER__GRACE", "2")
    invoke("serve", "--config", "my.toml", "--port", "3")
    (settings,) = served
    assert (settings.server.port, settings.server.grace, settings.server.host) == (3, 2.0, "file")
    assert settings.file == Path.cwd() / "my.toml"


def test_a_mistake_serves_nothing_and_tells_everything(served: list[Settings]) -> None:
    result = invoke("serve", "--port", "http", "--min-size", "30", "--models", "fast", "--grace", "-1")
    assert (result.exit_code, served, result.stdout) == (2, [], "")
    assert result.stderr == (
        "4 problems with the settings:\n"
        '  flag --port: found "http"; allowed: a whole number from 0 to 65535\n'
        '  flag --models: found "fast"; allowed: name=model\n'
        '  flag --grace: found "-1"; allowed: a number of seconds from 0 up\n'
        "  flag --min-size: found 30; allowed: at most pool_settings.max_size, which is 10 (default)\n"
    )


def test_the_help_explains_every_option() -> None:
    words = " ".join(invoke("serve", "--help").output.split())
    for option in OPTIONS.values():
        # A command line is read by every user of a machine.
        assert (f"{option.flag} " in words, option.meaning in words) == (not option.secret,) * 2
    for title in ("[pool_settings]:", "[server]:", "[claude]:"):
        assert title in words


def test_the_module_runs_and_a_mistake_has_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "ccproxy.toml").write_text("[server\n")
    result = in_process(tmp_path, "-m", "ccproxy_trio", "serve")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "1 problem with the settings:\n"
        "  ccproxy.toml: not TOML: line 1, column 8: Expected ']' at the end of a table declaration\n"
    )
    assert (
        in_process(tmp_path, "-m", "ccproxy_trio", "--version").stdout
        == f"ccproxy-trio, version {__version__}\n"
    )


def test_a_working_directory_that_is_gone(served: list[Settings], tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = invoke("serve")
    assert (result.exit_code, served) == (2, [])
    assert result.stderr.endswith("Error: the working directory is gone\n")


def test_help_and_mistakes_do_not_wait_for_the_server_to_be_imported(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom ccproxy_trio.cli import main\n"
        "try: main(['serve', '--port', 'x'])\nfinally: print({'trio', 'quart', 'hypercorn'} & set(sys.modules))"
    )
    result = in_process(tmp_path, "-c", program)
    assert (result.returncode, result.stdout) == (2, "set()\n")
