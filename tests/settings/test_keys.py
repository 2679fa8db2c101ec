"""Keys in the settings: what may stand there, what is told of what may not, and that none of it is ever shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from ccproxy_trio.settings import KeySettings, Settings, SettingsError, hash_key, load, new_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Fixed, so that the tests are called the same in every process.
ADA, BOB = ("ccproxy-" + 43 * letter for letter in "ab")
HIDDEN = "found a value that is not shown here"
MEMBERS = "hash, models, requests_per_minute, concurrency, expires"
HASH = '"sha256:" and 64 hexadecimal digits in lower case'
DATE = "a date, or a date and time with its offset from UTC"


def keys_of(cwd: Path, file: str = "", environ: Mapping[str, str] | None = None) -> Mapping[str, KeySettings]:
    (cwd / "ccproxy.toml").write_text(file)
    return load(environ=environ or {}, cwd=cwd).server.keys


def problems(cwd: Path, file: str = "", environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        keys_of(cwd, file, environ)
    told = str(caught.value)
    assert not any(secret in told for secret in (ADA, BOB, hash_key(ADA)[7:], hash_key(BOB)[7:], "ccproxy-"))
    return [str(problem) for problem in caught.value.problems]


def test_a_file_tells_who_may_call(tmp_path: Path) -> None:
    found = keys_of(
        tmp_path,
        f"""
        [server.keys.ada]
        hash = "{hash_key(ADA)}"
        [server.keys."bob@example.com"]
        hash = "{hash_key(BOB)}"
        models = ["haiku", "claude-sonnet-*", "haiku"]
        requests_per_minute = 60
        concurrency = 4
        expires = 2030-01-01T12:00:00+02:00
        """,
    )
    assert found == {
        "ada": KeySettings(hash=hash_key(ADA)),
        "bob@example.com": KeySettings(
            hash=hash_key(BOB),
            models=("haiku", "claude-sonnet-*"),
            requests_per_minute=60,
            concurrency=4,
            expires=datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))),
        ),
    }
    with pytest.raises(TypeError):
        found["eve"] = found["ada"]  # type: ignore[index]  # the point of the test


def test_the_environment_tells_it_in_json(tmp_path: Path) -> None:
    keys = {"ada": {"hash": hash_key(ADA), "models": ["opus"], "concurrency": 1, "expires": "2030-01-01"}}
    expected = {
        "ada": KeySettings(
            hash=hash_key(ADA), models=("opus",), concurrency=1, expires=datetime(2030, 1, 1, tzinfo=UTC)
        )
    }
    assert keys_of(tmp_path, environ={"SERVER__KEYS": json.dumps(keys)}) == expected
    assert keys_of(tmp_path, environ={"SERVER": json.dumps({"keys": keys})}) == expected
    file = f"[server.keys.bob]\nhash = '{hash_key(BOB)}'"
    assert keys_of(tmp_path, file, {"SERVER__KEYS": json.dumps(keys)}) == expected  # one option, as a whole
    assert keys_of(tmp_path, file, {"SERVER__KEYS": "{}"}) == {}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2030-01-01", datetime(2030, 1, 1, tzinfo=UTC)),
        ('"2030-01-01"', datetime(2030, 1, 1, tzinfo=UTC)),
        ("2030-01-01T00:00:00Z", datetime(2030, 1, 1, tzinfo=UTC)),
        ('"2030-01-01T02:00:00+02:00"', datetime(2030, 1, 1, tzinfo=UTC)),
        (
            "9999-12-31 23:59:59-12:00",
            datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-12))),
        ),
    ],
)
def test_a_day_or_a_time_ends_it(written: str, meant: datetime, tmp_path: Path) -> None:
    file = f"[server.keys.ada]\nhash = '{hash_key(ADA)}'\nexpires = {written}"
    assert keys_of(tmp_path, file)["ada"].expires == meant


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        (f'hash = "{ADA}"', f".hash: {HIDDEN}; allowed: {HASH}"),
        (f'hash = "{hash_key(ADA)[7:]}"', f".hash: {HIDDEN}; allowed: {HASH}"),
        (f'hash = "{hash_key(ADA).upper()}"', f".hash: {HIDDEN}; allowed: {HASH}"),
        (f'hash = ["{hash_key(ADA)}"]', f".hash: {HIDDEN}; allowed: {HASH}"),
        ("", f": found no hash; allowed: hash = {HASH}"),
        ('models = "haiku"', '.models: found "haiku"; allowed: a list of lines of text'),
        ('models = ["haiku", ""]', '.models: found ["haiku", ""]; allowed: a list of lines of text'),
        ("models = [1]", ".models: found [1]; allowed: a list of lines of text"),
        (
            "requests_per_minute = 0",
            ".requests_per_minute: found 0; allowed: a whole number of requests from 1 up",
        ),
        ("concurrency = 1.5", ".concurrency: found 1.5; allowed: a whole number of requests from 1 up"),
        ("concurrency = true", ".concurrency: found true; allowed: a whole number of requests from 1 up"),
        ("expires = 2030-01-01T00:00:00", f".expires: found 2030-01-01 00:00:00; allowed: {DATE}"),
        ("expires = 00:00:00", f".expires: found 00:00:00; allowed: {DATE}"),
        ('expires = "tomorrow"', f'.expires: found "tomorrow"; allowed: {DATE}'),
        ("expires = 2030", f".expires: found 2030; allowed: {DATE}"),
        ("model = ['haiku']", ".model: no such option; did you mean models?"),
        ("owner = 'Ada'", f".owner: no such option; allowed: {MEMBERS}"),
    ],
)
def test_each_mistake_is_told_with_its_place(member: str, problem: str, tmp_path: Path) -> None:
    with_hash = member if not member or member.startswith("hash") else f"hash = '{hash_key(ADA)}'\n{member}"
    assert problems(tmp_path, f"[server.keys.ada]\n{with_hash}") == [
        f"ccproxy.toml: server.keys.ada{problem}"
    ]


def test_a_place_in_the_environment(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"ada": {"hash": ADA}, "bob": {"hash": hash_key(BOB), "expires": 5}}
    for environ, place in (
        ({"SERVER__KEYS": json.dumps(keys)}, "environment variable SERVER__KEYS: "),
        ({"SERVER": json.dumps({"keys": keys})}, "environment variable SERVER: keys."),
    ):
        assert problems(tmp_path, environ=environ) == [
            f"{place}ada.hash: {HIDDEN}; allowed: {HASH}",
            f"{place}bob.expires: found 5; allowed: {DATE}",
        ]
    assert problems(tmp_path, environ={"SERVER__KEYS__ADA": hash_key(ADA)}) == [
        "environment variable SERVER__KEYS__ADA: no such option; did you mean SERVER__KEYS?"
    ]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (f"[server]\nkeys = '{ADA}'", f"server.keys: {HIDDEN}; allowed: a table of keys by name"),
        (f"[server]\nkeys = ['{ADA}']", f"server.keys: {HIDDEN}; allowed: a table of keys by name"),
        (f"[server.keys]\nada = '{ADA}'", f"server.keys.ada: {HIDDEN}; allowed: a table of {MEMBERS}"),
        (
            f"[server.keys.{ADA}]\nhash = 'ada'",
            "server.keys: found a name of 51 characters; allowed: a letter or digit, and then up to 38 of letters, "
            "digits, and . _ @ -",
        ),
    ],
)
def test_a_key_in_the_wrong_place_is_not_shown(file: str, problem: str, tmp_path: Path) -> None:
    (told,) = problems(tmp_path, file)
    assert told.removesuffix(" (in an environment variable as JSON)") == f"ccproxy.toml: {problem}"


@pytest.mark.parametrize("variable", ["SERVER__KEYS", "SERVER"])
@pytest.mark.parametrize("text", [ADA, f'{{"ada": "{ADA}"', f'["{ADA}"]'])
def test_a_variable_that_cannot_be_read_is_not_shown(variable: str, text: str, tmp_path: Path) -> None:
    (told,) = problems(tmp_path, environ={variable: text})
    assert told.startswith(f"environment variable {variable}: {HIDDEN}")


def test_nobody_else_has_ones_key(tmp_path: Path) -> None:
    table = "[server.keys.{0}]\nhash = '{1}'\n"
    file = "".join(
        table.format(name, hash_key(key)) for name, key in (("ada", ADA), ("bob", BOB), ("eve", ADA))
    )
    assert problems(tmp_path, file) == [
        "ccproxy.toml: server.keys.eve.hash: found the same as for ada; allowed: another for each"
    ]


def test_settings_do_not_show_hashes(tmp_path: Path) -> None:
    file = f"[server.keys.ada]\nhash = '{hash_key(ADA)}'"
    (tmp_path / "ccproxy.toml").write_text(file)
    settings = load(environ={}, cwd=tmp_path)
    assert hash_key(ADA)[7:] not in repr(settings)
    assert settings.origin("server.keys") == "ccproxy.toml: server.keys"
    assert settings != attrs.evolve(Settings(), server=Settings().server)


def test_keys_are_long_and_random() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert {len(new_key()) for _ in range(100)} == {51}
    assert hash_key("abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
