"""What a server that runs takes over of settings that were read again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from ccproxy_trio.settings import (
    OPTIONS,
    PoolSettings,
    ServerSettings,
    Settings,
    SettingsError,
    compare,
    load,
)

if TYPE_CHECKING:
    from pathlib import Path


def loaded(folder: Path, text: str, **flags: object) -> Settings:
    (folder / "ccproxy.toml").write_text(text)
    return load(environ={}, cwd=folder, flags=flags)


def test_what_can_change_changes_and_what_cannot_keeps_value_and_origin(tmp_path: Path) -> None:
    running = loaded(tmp_path, "[server]\nport = 8001\n[pool_settings]\nmax_size = 4\n")
    change = compare(
        running,
        loaded(
            tmp_path,
            '[server]\nport = 8002\nhost = "::1"\nping_interval = 3.0\n[pool_settings]\nmax_size = 5\n',
        ),
    )
    assert change.changed == ("pool_settings.max_size", "server.ping_interval")
    assert change.waiting == ("server.host", "server.port")
    assert change.settings == Settings(
        pool_settings=PoolSettings(max_size=5), server=ServerSettings(port=8001, ping_interval=3.0)
    )
    file = "ccproxy.toml"
    assert [change.settings.origin(f"server.{name}") for name in ("host", "port", "ping_interval")] == [
        "default",
        f"{file}: server.port",
        f"{file}: server.ping_interval",
    ]


def test_what_waits_for_a_restart_is_named_again_until_it_is_as_before(tmp_path: Path) -> None:
    running = loaded(tmp_path, "")
    other = loaded(tmp_path, "[server]\nport = 1\n")
    once = compare(running, other)
    again = compare(once.settings, other)
    assert (once.waiting, again.waiting, again.changed) == (("server.port",), ("server.port",), ())
    assert compare(again.settings, loaded(tmp_path, "")).waiting == ()


def test_nothing_new(tmp_path: Path) -> None:
    running = loaded(tmp_path, "[claude]\ndemo = true\n")
    change = compare(running, loaded(tmp_path, "[claude]\ndemo = true\n"))
    assert (change.settings, change.changed, change.waiting) == (running, (), ())


def test_a_file_that_is_gone_is_no_empty_one(tmp_path: Path) -> None:
    running = loaded(tmp_path, "")
    (tmp_path / "ccproxy.toml").unlink()
    gone = re.escape(f"{tmp_path / 'ccproxy.toml'}: it is gone, and there is no other file of settings")
    with pytest.raises(SettingsError, match=gone):
        compare(running, load(environ={}, cwd=tmp_path))


def test_another_file_may_take_its_place(tmp_path: Path) -> None:
    running = loaded(tmp_path, "")
    (tmp_path / "ccproxy.toml").rename(tmp_path / ".ccproxy.toml")
    assert compare(running, load(environ={}, cwd=tmp_path)).settings.file == tmp_path / ".ccproxy.toml"
    without = load(environ={}, cwd=tmp_path / "nowhere")
    assert compare(without, running).settings.file == tmp_path / "ccproxy.toml"


@pytest.mark.parametrize("key", OPTIONS)
def test_each_option_alone(key: str) -> None:
    option = OPTIONS[key]
    other = attrs.evolve(getattr(Settings(), option.section), **{option.name: _other(option.default)})
    change = compare(Settings(), attrs.evolve(Settings(), **{option.section: other}))
    waits = option.effect == "restart"
    assert (change.changed, change.waiting) == (((), (key,)) if waits else ((key,), ()))
    assert getattr(change.settings, option.section) == (
        getattr(Settings(), option.section) if waits else other
    )


def _other(value: Any) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case tuple():
            return ("x",)
        case _:
            return {"x": "y"}
