"""Each source by itself, and which of them wins."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.settings import OPTIONS, Settings, load


def value_of(settings: Settings, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(settings, section), name)


@pytest.mark.parametrize(
    ("environ", "key", "value", "origin"),
    [
        (
            {"POOL_SETTINGS__MIN_SIZE": "3"},
            "pool_settings.min_size",
            3,
            "environment variable POOL_SETTINGS__MIN_SIZE",
        ),
        (
            {"POOL_SETTINGS__ENABLED": "false"},
            "pool_settings.enabled",
            False,
            "environment variable POOL_SETTINGS__ENABLED",
        ),
        (
            {"POOL_SETTINGS__IDLE_TIMEOUT": "300"},
            "pool_settings.idle_timeout",
            300.0,
            "environment variable POOL_SETTINGS__IDLE_TIMEOUT",
        ),
        ({"SERVER__HOST": "::1"}, "server.host", "::1", "environment variable SERVER__HOST"),
        ({"CLAUDE__CLI_PATH": ""}, "claude.cli_path", "", "environment variable CLAUDE__CLI_PATH"),
        (
            {"CLAUDE__MODELS": '{"a.b": "opus"}'},
            "claude.models",
            {"a.b": "opus"},
            "environment variable CLAUDE__MODELS",
        ),
        (
            {"POOL_SETTINGS": '{"min_size":3}'},
            "pool_settings.min_size",
            3,
            "environment variable POOL_SETTINGS: min_size",
        ),
        ({"CLAUDE": '{"demo": true}'}, "claude.demo", True, "environment variable CLAUDE: demo"),
        (
            {"POOL_SETTINGS": '{"max_lifetime": Infinity}'},
            "pool_settings.max_lifetime",
            float("inf"),
            "environment variable POOL_SETTINGS: max_lifetime",
        ),
        (
            {"SERVER": '{"port": 1}', "SERVER__PORT": "2"},
            "server.port",
            2,
            "environment variable SERVER__PORT",
        ),
    ],
)
def test_the_environment(
    environ: Mapping[str, str], key: str, value: object, origin: str, tmp_path: Path
) -> None:
    settings = load(environ=environ, cwd=tmp_path)
    assert value_of(settings, key) == value
    assert settings.origin(key) == origin
    assert {settings.origin(other) for other in OPTIONS if other != key} == {"default"}


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    environ = {
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "SERVER_PORT": "x",
        "POOL__MIN_SIZE": "x",
        "__": "",
        "server": "x",
    }
    assert load(environ=environ, cwd=tmp_path) == Settings()


@pytest.mark.parametrize(
    ("flags", "key", "value", "origin"),
    [
        ({"pool_settings.min_size": "3"}, "pool_settings.min_size", 3, "flag --min-size"),
        ({"pool_settings.min_size": 3}, "pool_settings.min_size", 3, "flag --min-size"),
        ({"pool_settings.enabled": False}, "pool_settings.enabled", False, "flag --no-pool"),
        ({"pool_settings.enabled": True}, "pool_settings.enabled", True, "flag --pool"),
        ({"claude.demo": "yes"}, "claude.demo", True, "flag --demo"),
        ({"claude.models": ("a=opus", "b=c=d")}, "claude.models", {"a": "opus", "b": "c=d"}, "flag --models"),
        (
            {"claude.allowed_tools": ("web_search", "web_fetch")},
            "claude.allowed_tools",
            ("web_search", "web_fetch"),
            "flag --allow-tool",
        ),
        ({"claude.models": {"a": "opus"}}, "claude.models", {"a": "opus"}, "flag --models"),
    ],
)
def test_flags(flags: Mapping[str, object], key: str, value: object, origin: str, tmp_path: Path) -> None:
    settings = load(environ={}, flags=flags, cwd=tmp_path)
    assert value_of(settings, key) == value
    assert settings.origin(key) == origin


TOML = """
[pool_settings]
min_size = 3
idle_timeout = 600  # a whole number of seconds
max_lifetime = inf

[server]
host = "0.0.0.0"

[claude.models]
"gpt 4" = "opus"
"""
JSON = """{
    "pool_settings": {"min_size": 3, "idle_timeout": 600, "max_lifetime": Infinity},
    "server": {"host": "0.0.0.0"},
    "claude": {"models": {"gpt 4": "opus"}}
}"""


@pytest.mark.parametrize(
    ("name", "text"), [("ccproxy.toml", TOML), ("other.json", JSON), ("noted.conf", TOML)]
)
def test_a_file(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    settings = load(config=Path(name), environ={}, cwd=tmp_path)
    assert settings.file == tmp_path / name
    assert (settings.pool_settings.min_size, settings.pool_settings.idle_timeout) == (3, 600.0)
    assert settings.pool_settings.max_lifetime == float("inf")
    assert settings.server.host == "0.0.0.0"
    assert settings.claude.models == {"gpt 4": "opus"}
    assert settings.origin("pool_settings.min_size") == f"{name}: pool_settings.min_size"
    assert settings.origin("pool_settings.max_size") == "default"


def test_a_table_is_one_option(tmp_path: Path) -> None:
    (tmp_path / "ccproxy.toml").write_text(
        '[claude]\nmodels = {a = "opus", b = "haiku"}\ndefault_model = "opus"'
    )
    settings = load(environ={"CLAUDE": '{"models": {"c": "sonnet"}}'}, cwd=tmp_path)
    assert settings.claude.models == {"c": "sonnet"}
    assert settings.claude.default_model == "opus"


def test_an_empty_file_and_an_empty_section_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "ccproxy.toml").write_text("[server]\n")
    settings = load(environ={"CLAUDE": "{}"}, cwd=tmp_path)
    assert settings == Settings()
    assert settings.file == tmp_path / "ccproxy.toml"


# For each option that the next test sets, how a number is made its value.
MERGED: dict[str, Any] = {
    "pool_settings.max_waiting": int,
    "pool_settings.idle_timeout": float,
    "server.port": int,
    "server.host": "host-{}".format,
    "claude.demo": lambda number: number % 2 == 0,
    "claude.models": lambda number: {"name": f"model-{number}"},
}
SOURCES = ("file", "section", "variable", "flag")
"""In rising order of strength."""


@given(
    st.fixed_dictionaries(
        {key: st.dictionaries(st.sampled_from(SOURCES), st.integers(1, 60000)) for key in MERGED}
    )
)
def test_the_strongest_source_wins_option_by_option(drawn: dict[str, dict[str, int]]) -> None:
    document: dict[str, dict[str, object]] = {}
    sections: dict[str, dict[str, object]] = {}
    variables: dict[str, str] = {}
    flags: dict[str, object] = {}
    for key, by_source in drawn.items():
        section, name = key.split(".")
        for source, number in by_source.items():
            value = MERGED[key](number)
            if source == "file":
                document.setdefault(section, {})[name] = value
            elif source == "section":
                sections.setdefault(section, {})[name] = value
            elif source == "variable":
                variables[f"{section}__{name}".upper()] = (
                    value if isinstance(value, str) else json.dumps(value)
                )
            else:
                flags[key] = value
    environ = variables | {section.upper(): json.dumps(table) for section, table in sections.items()}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.json").write_text(json.dumps(document))
        settings = load(config=Path("x.json"), environ=environ, flags=flags, cwd=Path(folder))
    for key, by_source in drawn.items():
        section, name = key.split(".")
        winner = max(by_source, key=SOURCES.index, default="")
        expected = MERGED[key](by_source[winner]) if winner else OPTIONS[key].default
        assert value_of(settings, key) == expected
        assert (
            settings.origin(key)
            == {
                "": "default",
                "file": f"x.json: {key}",
                "section": f"environment variable {section.upper()}: {name}",
                "variable": f"environment variable {section.upper()}__{name.upper()}",
                "flag": f"flag --no-{name}" if expected is False else f"flag --{name.replace('_', '-')}",
            }[winner]
        )
