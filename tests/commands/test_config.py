"""`config init`, `validate` and `show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ccproxy_trio.settings import (
    HIDDEN,
    OPTIONS,
    Settings,
    hash_key,
    list_effective,
    load,
    new_key,
    read_example,
)
from tests.commands.conftest import invoke

if TYPE_CHECKING:
    from click.testing import Result

ROOT = Path(__file__).parents[2]
KEY = new_key()
FILE = f"""
[server]
port = 9000
allowed_origins = ["https://app.example.com"]

[server.keys.ada]
hash = "{hash_key(KEY)}"
models = ["haiku"]
expires = 2030-01-01

[pool_settings]
idle_timeout = inf
"""


def test_the_example_is_the_projects_own() -> None:
    assert read_example() == (ROOT / "ccproxy.toml").read_text()


def test_init_writes_what_can_be_used_at_once(alone: Path) -> None:
    result = invoke("config", "init")
    assert (result.exit_code, result.stderr) == (0, "")
    assert Path("ccproxy.toml").read_text() == read_example()
    assert load(environ={}, cwd=alone) == Settings()
    told = "ccproxy.toml is written. After your changes: ccproxy-trio config validate --config ccproxy.toml\n"
    assert result.stdout == told
    assert invoke("config", "validate", "--config", "ccproxy.toml").exit_code == 0


def test_init_keeps_what_is_there_unless_forced(alone: Path) -> None:
    file = alone / "mine.toml"
    file.write_text("mine")
    refused = invoke("config", "init", "mine.toml")
    assert (refused.exit_code, refused.stdout, file.read_text()) == (2, "", "mine")
    assert refused.stderr.endswith("Error: mine.toml is there already; --force replaces it\n")
    assert invoke("config", "init", "mine.toml", "--force").exit_code == 0
    assert file.read_text() == read_example()


@pytest.mark.usefixtures("alone")
def test_init_prints_to_a_dash() -> None:
    result = invoke("config", "init", "-")
    assert (result.exit_code, result.stdout) == (0, read_example())
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("file", "reason"), [(".", "Is a directory"), ("no/where.toml", "No such file or directory")]
)
@pytest.mark.usefixtures("alone")
def test_init_says_why_it_cannot_write(file: str, reason: str) -> None:
    result = invoke("config", "init", "--force", file)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"Error: {file} cannot be written: {reason}\n")


def test_validate_finds_nothing_wrong(alone: Path) -> None:
    (alone / "ccproxy.toml").write_text(FILE)
    result = invoke("config", "validate", "--max-size", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"The settings can be used: 5 options are set ({alone / 'ccproxy.toml'}).\n"


@pytest.mark.usefixtures("alone")
def test_validate_without_a_file() -> None:
    assert invoke("config", "validate").stdout == "The settings can be used: 0 options are set (no file).\n"


def test_validate_tells_every_problem(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (alone / "ccproxy.toml").write_text("[server]\nprot = 1\n")
    monkeypatch.setenv("CLAUDE__DEMO", "maybe")
    result = invoke("config", "validate", "--grace", "-1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "3 problems with the settings:\n"
        "  ccproxy.toml: server.prot: no such option; did you mean port?\n"
        '  environment variable CLAUDE__DEMO: found "maybe"; allowed: true or false\n'
        '  flag --grace: found "-1"; allowed: a number of seconds from 0 up\n'
    )


@pytest.fixture
def shown(alone: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments for one option from each source."""
    (alone / "ccproxy.toml").write_text(FILE)
    monkeypatch.setenv("SERVER__GRACE", "7")
    return ["config", "show", "--max-size", "3"]


def has_no_secret(result: Result) -> bool:
    return KEY not in result.output and hash_key(KEY).removeprefix("sha256:") not in result.output


def test_show_says_where_each_value_came_from(shown: list[str]) -> None:
    result = invoke(*shown)
    assert result.exit_code == 0
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in result.stdout.splitlines()}
    assert list(lines) == list(OPTIONS)
    told = {key: " ".join(line.split()) for key, line in lines.items()}
    assert told["server.port"] == "9000 ccproxy.toml: server.port"
    assert told["server.grace"] == "7.0 environment variable SERVER__GRACE"
    assert told["pool_settings.max_size"] == "3 flag --max-size"
    assert told["pool_settings.min_size"] == "2 default"
    assert told["pool_settings.idle_timeout"] == '"inf" ccproxy.toml: pool_settings.idle_timeout'
    assert told["server.keys"].startswith(f'{{ada = {{hash = "{HIDDEN}"')
    assert has_no_secret(result)
    assert "\x1b" not in result.output


def test_show_as_json(shown: list[str], alone: Path) -> None:
    result = invoke(*shown, "--json")

    def no_constants(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    document = json.loads(result.stdout, parse_constant=no_constants)
    assert document["file"] == str(alone / "ccproxy.toml")
    options = document["options"]
    assert list(options) == list(OPTIONS)
    assert options["pool_settings.max_size"] == {"value": 3, "origin": "flag --max-size"}
    assert options["pool_settings.idle_timeout"]["value"] == "inf"
    assert options["server.allowed_origins"]["value"] == ["https://app.example.com"]
    assert options["server.keys"]["value"] == {
        "ada": {
            "hash": HIDDEN,
            "models": ["haiku"],
            "requests_per_minute": None,
            "concurrency": None,
            "expires": "2030-01-01T00:00:00+00:00",
        }
    }
    assert has_no_secret(result)


def test_all_is_default_by_default() -> None:
    effective = list_effective(Settings())
    assert [each.key for each in effective] == list(OPTIONS)
    assert {each.origin for each in effective} == {"default"}
