"""What each option may be, in typed sources and as text."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_origin

import attrs
import pytest

from ccproxy_trio.dialects.anthropic.known import SERVER_TOOLS
from ccproxy_trio.pool import PoolConfig
from ccproxy_trio.settings import (
    OPTIONS,
    SECTIONS,
    ClaudeSettings,
    PoolSettings,
    Settings,
    SettingsError,
    load,
)

SECONDS = [key for key, option in OPTIONS.items() if option.kind is float]
NEVER = {
    "pool_settings.idle_timeout",
    "pool_settings.health_check_interval",
    "pool_settings.max_lifetime",
    "pool_settings.check_after_idle",
    "server.request_timeout",
    "server.ping_interval",
    "claude.update_interval",
}
MAY_BE_ZERO = {
    "pool_settings.min_size",
    "pool_settings.acquire_timeout",
    "pool_settings.min_fresh",
    "pool_settings.idle_timeout",
    "pool_settings.check_after_idle",
    "server.port",
    "server.grace",
    "server.drain_delay",
}
NUMBERS = [key for key, option in OPTIONS.items() if option.kind in (int, float)]


def value_of(settings: Settings, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(settings, section), name)


def typed(key: str, value: object, cwd: Path) -> object:
    """Give `value` as a typed source does."""
    return value_of(load(environ={}, flags={key: value}, cwd=cwd), key)


def text(key: str, value: str, cwd: Path) -> object:
    """Give `value` as the environment does."""
    return value_of(load(environ={OPTIONS[key].variable: value}, cwd=cwd), key)


def test_the_pools_defaults_are_those_of_its_page() -> None:
    pool = PoolSettings()
    assert (pool.enabled, pool.min_size, pool.max_size, pool.warmup_on_startup) == (True, 2, 10, True)
    assert (pool.idle_timeout, pool.health_check_interval, pool.acquire_timeout) == (300.0, 60.0, 5.0)


def test_nothing_given_is_all_defaults(tmp_path: Path) -> None:
    settings = load(environ={}, cwd=tmp_path)
    assert settings == Settings()
    assert settings.file is None
    assert {settings.origin(key) for key in OPTIONS} == {"default"}


def test_every_field_is_an_option() -> None:
    assert list(OPTIONS) == [
        f"{section}.{field.name}" for section, kind in SECTIONS.items() for field in attrs.fields(kind)
    ]
    assert [type(getattr(Settings(), section)) for section in SECTIONS] == list(SECTIONS.values())


@pytest.mark.parametrize("key", OPTIONS)
def test_every_default_is_allowed_and_of_its_kind(key: str, tmp_path: Path) -> None:
    default, kind = OPTIONS[key].default, OPTIONS[key].kind
    written = list(default) if isinstance(default, tuple) else default
    assert typed(key, written, tmp_path) == default
    assert isinstance(default, {Literal: str, Mapping: Mapping, tuple: tuple}.get(get_origin(kind), kind))


@pytest.mark.parametrize("key", NUMBERS)
def test_numbers_have_a_lower_limit(key: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        typed(key, -1, tmp_path)
    with pytest.raises(SettingsError):
        text(key, "-1", tmp_path)
    if key in MAY_BE_ZERO:
        assert typed(key, 0, tmp_path) == text(key, "0", tmp_path) == 0
    else:
        with pytest.raises(SettingsError):
            typed(key, 0, tmp_path)


def test_ports_have_an_upper_limit(tmp_path: Path) -> None:
    assert typed("server.port", 65535, tmp_path) == 65535
    with pytest.raises(SettingsError):
        typed("server.port", 65536, tmp_path)


@pytest.mark.parametrize("key", SECONDS)
def test_seconds_are_floats_and_may_be_written_whole(key: str, tmp_path: Path) -> None:
    for value in (typed(key, 7, tmp_path), typed(key, 7.0, tmp_path), text(key, "7", tmp_path)):
        assert value == 7.0
        assert type(value) is float
    assert text(key, "2.5", tmp_path) == 2.5


@pytest.mark.parametrize("key", SECONDS)
def test_only_what_may_never_happen_may_be_infinite(key: str, tmp_path: Path) -> None:
    if key in NEVER:
        assert typed(key, math.inf, tmp_path) == text(key, "inf", tmp_path) == math.inf
    else:
        with pytest.raises(SettingsError):
            typed(key, math.inf, tmp_path)
        with pytest.raises(SettingsError):
            text(key, "inf", tmp_path)
    for wrong in (-math.inf, math.nan):
        with pytest.raises(SettingsError):
            typed(key, wrong, tmp_path)
        with pytest.raises(SettingsError):
            text(key, str(wrong), tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pool_settings.min_size", 1.7),
        ("pool_settings.min_size", 3.0),
        ("pool_settings.min_size", True),
        ("pool_settings.min_size", None),
        ("pool_settings.idle_timeout", True),
        ("pool_settings.idle_timeout", [300]),
        ("pool_settings.idle_timeout", 10**400),
        ("pool_settings.enabled", 1),
        ("pool_settings.enabled", 0.0),
        ("server.host", 127),
        ("claude.default_model", ["sonnet"]),
        ("claude.auth", True),
        ("claude.auth", ["auto"]),
        ("claude.models", ["fast"]),
        ("claude.allowed_tools", 5),
        ("claude.allowed_tools", ["Bash"]),
        ("claude.allowed_tools", [["web_search"]]),
        ("claude.allowed_tools", {"web_search": True}),
        ("claude.models", {"fast": 3}),
        ("claude.models", {"fast": ""}),
        ("claude.models", {"": "haiku"}),
        ("claude.models", {"fast": " "}),
        ("claude.models", {"fast": "hai\nku"}),
        ("server.allowed_hosts", {"proxy": 1}),
        ("server.allowed_hosts", [1]),
        ("server.allowed_hosts", [""]),
        ("server.allowed_hosts", ["proxy.", "a b", "[::1]"]),
        ("server.allowed_origins", ["null"]),
        ("server.allowed_origins", ["*"]),
        ("server.allowed_origins", ["https://a.example/path"]),
    ],
)
def test_typed_values_are_never_coerced(key: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        typed(key, value, tmp_path)
    (problem,) = caught.value.problems
    assert problem.allowed == OPTIONS[key].allowed


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pool_settings.enabled", ""),
        ("pool_settings.enabled", "2"),
        ("pool_settings.enabled", "none"),
        ("pool_settings.min_size", ""),
        ("pool_settings.min_size", "3.0"),
        ("pool_settings.min_size", "9" * 5000),
        ("pool_settings.idle_timeout", "5m"),
        ("server.host", ""),
        ("server.host", "local\0host"),
        ("claude.cli_path", "/bin/\udcff"),
        ("claude.auth", "Login"),
        ("claude.auth", ""),
        ("claude.models", "fast=haiku"),
        ("claude.models", "3"),
        ("claude.models", '{"a": "x", "a": "y"}'),
    ],
)
def test_text_that_says_nothing_is_refused(key: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        text(key, value, tmp_path)
    (problem,) = caught.value.problems
    assert problem.where == f"environment variable {OPTIONS[key].variable}"
    assert problem.allowed == OPTIONS[key].allowed


@pytest.mark.parametrize(
    "name", [field.name for field in attrs.fields(PoolSettings) if field.name != "enabled"]
)
def test_the_pool_accepts_whatever_is_allowed(name: str) -> None:
    option = OPTIONS[f"pool_settings.{name}"]
    extremes = [option.default]
    extremes += [] if option.minimum is None else [option.minimum]
    extremes += [] if option.above is None else [math.nextafter(option.above, math.inf)]
    extremes += [math.inf] if option.infinite else []
    for value in extremes:
        sizes: dict[str, Any] = {"min_size": 0, "max_size": 10} | {name: value}
        assert getattr(PoolConfig(**sizes), name) == value


@pytest.mark.parametrize("word", ["true", "yes", "on", "1", "TRUE", " Yes "])
def test_words_for_true(word: str, tmp_path: Path) -> None:
    assert text("claude.demo", word, tmp_path) is True


@pytest.mark.parametrize("word", ["false", "no", "off", "0", "False", "OFF"])
def test_words_for_false(word: str, tmp_path: Path) -> None:
    assert text("pool_settings.enabled", word, tmp_path) is False


@pytest.mark.parametrize("auth", ["auto", "environment", "login"])
def test_ways_to_authenticate(auth: str, tmp_path: Path) -> None:
    assert typed("claude.auth", auth, tmp_path) == text("claude.auth", auth, tmp_path) == auth


def test_tables_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    for claude in (
        ClaudeSettings(),
        load(environ={"CLAUDE__MODELS": '{"fast": "haiku"}'}, cwd=tmp_path).claude,
    ):
        with pytest.raises(TypeError):
            claude.models["slow"] = "opus"  # type: ignore[index]  # the point of the test


def test_an_unknown_option_has_no_origin() -> None:
    with pytest.raises(KeyError):
        Settings().origin("pool_settings.min_sise")


def test_a_list_holds_each_of_its_choices_once(tmp_path: Path) -> None:
    expected = ("web_search", "web_fetch")
    assert typed("claude.allowed_tools", ["web_search", "web_fetch", "web_search"], tmp_path) == expected
    for written in ("web_search,web_fetch", ' ["web_search", "web_fetch"]', "web_search , web_fetch,"):
        assert text("claude.allowed_tools", written, tmp_path) == expected
    assert text("claude.allowed_tools", "", tmp_path) == ()


def test_a_list_of_texts_takes_those_of_its_form(tmp_path: Path) -> None:
    hosts = ("proxy", "ai_2.example.com")
    assert typed("server.allowed_hosts", [*hosts, "proxy"], tmp_path) == hosts
    assert text("server.allowed_hosts", "proxy, ai_2.example.com", tmp_path) == hosts
    origins = ("https://a.example", "http://localhost:5173", "vscode-webview://1f2e", "http://[::1]:80")
    assert typed("server.allowed_origins", list(origins), tmp_path) == origins


def test_the_tools_that_may_be_allowed_are_those_that_the_api_runs() -> None:
    assert set(OPTIONS["claude.allowed_tools"].choices) == SERVER_TOOLS
