"""Which file counts, and files that cannot be used."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ccproxy_trio.settings import SettingsError, load


def put(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[server]\nport = {number}\n")


def problems(cwd: Path, environ: Mapping[str, str] | None = None, config: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(config=config, environ=environ or {}, cwd=cwd)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("git", ["folder", "file"])
def test_the_first_found_counts_alone(git: str, tmp_path: Path) -> None:
    root = tmp_path / "repository"
    cwd = root / "some" / "where"
    cwd.mkdir(parents=True)
    if git == "folder":
        (root / ".git").mkdir()
    else:
        (root / ".git").write_text("gitdir: elsewhere")
    environ = {
        "CONFIG_FILE": "named.toml",
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
    }
    # Weakest first; each that is added hides those before it.
    places = [
        (tmp_path / "xdg" / "ccproxy" / "config.toml", f"{tmp_path}/xdg/ccproxy/config.toml"),
        (root / "ccproxy.toml", f"{root}/ccproxy.toml"),
        (root / ".ccproxy.toml", f"{root}/.ccproxy.toml"),
        (cwd / "ccproxy.toml", "ccproxy.toml"),
        (cwd / ".ccproxy.toml", ".ccproxy.toml"),
    ]
    searching = {name: value for name, value in environ.items() if name != "CONFIG_FILE"}
    assert load(environ=searching, cwd=cwd).file is None
    for number, (path, label) in enumerate(places, 1):
        put(path, number)
        settings = load(environ=searching, cwd=cwd)
        assert (settings.server.port, settings.file) == (number, path)
        assert settings.origin("server.port") == f"{label}: server.port"
    put(cwd / "named.toml", 11)
    assert load(environ=environ, cwd=cwd).server.port == 11
    put(cwd / "flag.toml", 12)
    assert load(config=Path("flag.toml"), environ=environ, cwd=cwd).server.port == 12


def test_between_the_working_directory_and_the_root_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    put(tmp_path / "a" / "ccproxy.toml", 1)
    (tmp_path / "a" / "b").mkdir()
    assert load(environ={}, cwd=tmp_path / "a" / "b").file is None


def test_outside_a_repository_no_parent_is_read(tmp_path: Path) -> None:
    put(tmp_path / "ccproxy.toml", 1)
    (tmp_path / "a").mkdir()
    assert load(environ={}, cwd=tmp_path / "a").file is None


@pytest.mark.parametrize("xdg", [None, "", "relative"])
def test_home_holds_the_users_file_where_xdg_says_nothing(xdg: str | None, tmp_path: Path) -> None:
    put(tmp_path / "home" / ".config" / "ccproxy" / "config.toml", 5)
    put(tmp_path / "relative" / "ccproxy" / "config.toml", 6)
    environ = {"HOME": str(tmp_path / "home")} | ({} if xdg is None else {"XDG_CONFIG_HOME": xdg})
    assert load(environ=environ, cwd=tmp_path).server.port == 5


def test_without_a_home_no_users_file_is_read(tmp_path: Path) -> None:
    put(tmp_path / ".config" / "ccproxy" / "config.toml", 5)
    assert load(environ={"HOME": ""}, cwd=tmp_path).file is None


def test_an_empty_config_file_variable_names_nothing(tmp_path: Path) -> None:
    assert load(environ={"CONFIG_FILE": ""}, cwd=tmp_path).file is None


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    put(tmp_path / "ccproxy.toml", 1)
    assert problems(tmp_path, config=Path("no.toml")) == [
        "flag --config: no.toml: cannot be read: No such file or directory"
    ]
    assert problems(tmp_path, {"CONFIG_FILE": "/no/such.json"}) == [
        "environment variable CONFIG_FILE: /no/such.json: cannot be read: No such file or directory"
    ]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".ccproxy.toml").mkdir()
    assert problems(tmp_path) == [".ccproxy.toml: cannot be read: Is a directory"]


def test_a_named_file_that_is_missing_hides_no_other_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, {"SERVER__PORT": "x"}, Path("no.toml")) == [
        "flag --config: no.toml: cannot be read: No such file or directory",
        'environment variable SERVER__PORT: found "x"; allowed: a whole number from 0 to 65535',
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (
            "c.toml",
            b"[server]\nport 80\n",
            "not TOML: line 2, column 6: Expected '=' after a key in a key/value pair",
        ),
        ("c.toml", b"[server]\nport = 1\nport = 2\n", "not TOML: line 3, column 9: Cannot overwrite a value"),
        (
            "c.toml",
            b"[server]\n[claude]\n[server]\n",
            "not TOML: line 3, column 8: Cannot declare ('server',) twice",
        ),
        (
            "c.toml",
            b"x = " + b"[" * 1000,
            "not TOML that can be used: TOML inline arrays/tables are nested more than the allowed 400 levels",
        ),
        ("c.toml", b"[server]\nhost = '\xff'\n", "line 2: found the byte 0xff; allowed: UTF-8 text"),
        (
            "c.json",
            b'{"server":\n {"port": }}',
            "not JSON: line 2, column 11: Expecting value",
        ),
        ("c.json", b"", "not JSON: line 1, column 1: Expecting value"),
        (
            "c.json",
            b'{"server": {"port": 1, "port": 2}}',
            'not JSON that can be used: "port" stands twice in one object',
        ),
        ("c.json", b"[" * 100_000, "not JSON that can be used: Nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_decoded(name: str, content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert problems(tmp_path, config=Path(name)) == [f"flag --config: {name}: {problem}"]
