"""What the operator is told: where, what was found, what is allowed, and what was probably meant."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ccproxy_trio.settings import SettingsError, load

NOTHING: Mapping[str, object] = {}


def problems(
    cwd: Path,
    *,
    file: str = "",
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] = NOTHING,
) -> list[str]:
    (cwd / "ccproxy.toml").write_text(file)
    with pytest.raises(SettingsError) as caught:
        load(environ=environ or {}, flags=flags, cwd=cwd)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("[pool_settings]\nmin_sise = 3", "pool_settings.min_sise: no such option; did you mean min_size?"),
        ("[pool_settings]\nmin-size = 3", "pool_settings.min-size: no such option; did you mean min_size?"),
        ("[pool_settings]\nport = 3", "pool_settings.port: no such option; did you mean server.port?"),
        ("[pool_setting]\nmin_size = 3", "pool_setting: no such section; did you mean pool_settings?"),
        ("min_size = 3", "min_size: no such section; did you mean pool_settings.min_size?"),
        ("[tuning]", "tuning: no such section; allowed: pool_settings, server, claude, openai, log"),
        (
            '[server]\n"a\\u001b" = 3',
            'server."a\\u001b": no such option; allowed: host, port, grace, drain_delay, max_body_size, '
            "request_timeout, body_timeout, keep_alive_timeout, write_timeout, ping_interval, max_header_size, "
            "max_connections, keys, allow_anyone, allowed_hosts, allowed_origins",
        ),
        (
            "[log]\nlevel = 'a\u2028\u009b2J\u00e9\U000e0001'",
            'log.level: found "a\\u2028\\u009b2J\u00e9\\U000e0001"; '
            'allowed: "debug" or "info" or "warning" or "error"',
        ),
        ("server = 3", "server: found 3; allowed: a table of options"),
        ("[[server]]\nport = 1", "server: found [{port = 1}]; allowed: a table of options"),
        (
            '[pool_settings]\nmin_size = "3"',
            'pool_settings.min_size: found "3"; allowed: a whole number of instances from 0 up',
        ),
        ("[server]\nport = true", "server.port: found true; allowed: a whole number from 0 to 65535"),
        ("[server]\ngrace = -0.5", "server.grace: found -0.5; allowed: a number of seconds from 0 up"),
        ("[server]\ngrace = inf", "server.grace: found inf; allowed: a number of seconds from 0 up"),
        (
            "[pool_settings]\nidle_timeout = 2024-01-01",
            "pool_settings.idle_timeout: found 2024-01-01; allowed: a number of seconds from 0 up, or inf",
        ),
        (
            '[pool_settings]\nenabled = "false"',
            'pool_settings.enabled: found "false"; allowed: true or false',
        ),
        ("[server]\nhost = ''", 'server.host: found ""; allowed: a line of text'),
        (
            "[claude]\nauth = 'key'",
            'claude.auth: found "key"; allowed: "auto" or "environment" or "login"',
        ),
        (
            "[claude.models]\nfast = 3",
            "claude.models: found {fast = 3}; allowed: a table of texts by name, none of them empty "
            "(in an environment variable as JSON)",
        ),
        (
            "[claude]\nallowed_tools = ['Bash']",
            'claude.allowed_tools: found ["Bash"]; allowed: a list of any of "code_execution", '
            '"tool_search_tool_bm25", "tool_search_tool_regex", "web_fetch", "web_search" '
            "(in an environment variable with commas)",
        ),
        (
            "[server]\nallowed_hosts = ['Proxy:80']",
            'server.allowed_hosts: found ["Proxy:80"]; allowed: a list of names of hosts in lower case, '
            "without a port (in an environment variable with commas)",
        ),
        (
            "[server]\nallowed_origins = ['https://app.example.com/']",
            'server.allowed_origins: found ["https://app.example.com/"]; allowed: a list of origins in lower case, '
            "such as https://app.example.com (in an environment variable with commas)",
        ),
        (
            f"[server]\nport = '{'x' * 100}'",
            f'server.port: found "{"x" * 59}…"; allowed: a whole number from 0 to 65535',
        ),
        ("[server]\nport = [[[1]]]", "server.port: found [[…]]; allowed: a whole number from 0 to 65535"),
        (
            f"[server]\nport = {'9' * 4000}",
            "server.port: found a huge number; allowed: a whole number from 0 to 65535",
        ),
    ],
)
def test_in_a_file(file: str, problem: str, tmp_path: Path) -> None:
    assert problems(tmp_path, file=file) == [f"ccproxy.toml: {problem}"]


@pytest.mark.parametrize("document", ["3", "[]", "null", '"x"'])
def test_a_document_that_is_no_table(document: str, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(document)
    assert problems(tmp_path, environ={"CONFIG_FILE": "c.json"}) == [
        f"c.json: found {document}; allowed: a table of the sections pool_settings, server, claude, openai, log"
    ]


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("POOL_SETTINGS__MIN_SISE", "3", "no such option; did you mean POOL_SETTINGS__MIN_SIZE?"),
        ("pool_settings__min_size", "3", "no such option; did you mean POOL_SETTINGS__MIN_SIZE?"),
        ("CLAUDE__MODELS__FAST", "haiku", "no such option; did you mean CLAUDE__MODELS?"),
        ("POOL_SETTINGS__MIN_SIZE", "three", 'found "three"; allowed: a whole number of instances from 0 up'),
        ("SERVER__PORT", "", 'found ""; allowed: a whole number from 0 to 65535'),
        ("CLAUDE__DEMO", "maybe", 'found "maybe"; allowed: true or false'),
        (
            "POOL_SETTINGS",
            "min_size=3",
            'found "min_size=3", which is not JSON (Expecting value: line 1 column 1 (char 0)); '
            'allowed: a JSON object of options, such as {"name": value}',
        ),
        ("CLAUDE", "[1]", 'found [1]; allowed: a JSON object of options, such as {"name": value}'),
        ("SERVER: port", '{"port": "80"}', 'found "80"; allowed: a whole number from 0 to 65535'),
        ("SERVER: prot", '{"prot": 80}', "no such option; did you mean port?"),
    ],
)
def test_in_the_environment(variable: str, text: str, problem: str, tmp_path: Path) -> None:
    name, _, _ = variable.partition(":")
    assert problems(tmp_path, environ={name: text}) == [f"environment variable {variable}: {problem}"]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"server.port": "http"}, 'flag --port: found "http"; allowed: a whole number from 0 to 65535'),
        ({"claude.models": ("a",)}, 'flag --models: found "a"; allowed: name=model'),
        ({"claude.models": ("a=b", "a=c")}, 'flag --models: found "a" twice; allowed: each name once'),
        ({"server.prot": "1"}, "flag for server.prot: no such option; did you mean server.port?"),
    ],
)
def test_in_flags(flags: Mapping[str, object], problem: str, tmp_path: Path) -> None:
    assert problems(tmp_path, flags=flags) == [problem]


@pytest.mark.parametrize(
    ("file", "flags", "problem"),
    [
        (
            "[pool_settings]\nmin_size = 20",
            {},
            "ccproxy.toml: pool_settings.min_size: found 20; "
            "allowed: at most pool_settings.max_size, which is 10 (default)",
        ),
        (
            "",
            {"pool_settings.max_size": 1},
            "flag --max-size: found 1; allowed: at least pool_settings.min_size, which is 2 (default)",
        ),
        (
            "[pool_settings]\nmax_size = 4",
            {"pool_settings.min_size": 5},
            "flag --min-size: found 5; "
            "allowed: at most pool_settings.max_size, which is 4 (ccproxy.toml: pool_settings.max_size)",
        ),
        (
            "[pool_settings]\nmin_fresh = 11",
            {},
            "ccproxy.toml: pool_settings.min_fresh: found 11; "
            "allowed: at most pool_settings.max_size, which is 10 (default)",
        ),
    ],
)
def test_options_that_contradict_each_other(
    file: str, flags: Mapping[str, object], problem: str, tmp_path: Path
) -> None:
    assert problems(tmp_path, file=file, flags=flags) == [problem]


def test_sizes_may_be_equal(tmp_path: Path) -> None:
    flags = {"pool_settings.min_size": 3, "pool_settings.max_size": 3, "pool_settings.min_fresh": 3}
    assert load(environ={}, flags=flags, cwd=tmp_path).pool_settings.max_size == 3


def test_a_wrong_value_is_told_even_where_a_stronger_source_covers_it(tmp_path: Path) -> None:
    assert problems(tmp_path, file="[server]\nport = 'x'", flags={"server.port": 1}) == [
        'ccproxy.toml: server.port: found "x"; allowed: a whole number from 0 to 65535'
    ]


def test_a_refused_value_contradicts_nothing(tmp_path: Path) -> None:
    assert problems(tmp_path, file="[pool_settings]\nmin_size = 20\nmax_size = '30'") == [
        'ccproxy.toml: pool_settings.max_size: found "30"; allowed: a whole number of instances from 1 up'
    ]


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "ccproxy.toml").write_text(
        "[pool_settings]\nmin_sise = 3\nmin_size = 12\n[serve]\nport = 1\n"
    )
    with pytest.raises(SettingsError) as caught:
        load(
            environ={"CLAUDE__DEMO": "maybe", "SERVER__PROT": "1", "POOL_SETTINGS": '{"enabled": 1}'},
            flags={"server.grace": "-1"},
            cwd=tmp_path,
        )
    assert str(caught.value) == (
        "7 problems with the settings:\n"
        "  ccproxy.toml: pool_settings.min_sise: no such option; did you mean min_size?\n"
        "  ccproxy.toml: serve: no such section; did you mean server?\n"
        "  environment variable POOL_SETTINGS: enabled: found 1; allowed: true or false\n"
        '  environment variable CLAUDE__DEMO: found "maybe"; allowed: true or false\n'
        "  environment variable SERVER__PROT: no such option; did you mean SERVER__PORT?\n"
        '  flag --grace: found "-1"; allowed: a number of seconds from 0 up\n'
        "  ccproxy.toml: pool_settings.min_size: found 12; "
        "allowed: at most pool_settings.max_size, which is 10 (default)"
    )


def test_one_problem_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environ={"SERVER__PORT": "x"}, cwd=tmp_path)
    assert str(caught.value).startswith("1 problem with the settings:\n  environment variable SERVER__PORT: ")


def test_no_byte_of_the_environment_reaches_the_terminal_as_it_is(tmp_path: Path) -> None:
    environ = {"SERVER__HOST": "a\udcff\n", "SERVER__A\x9bB": "1"}
    host, unknown = problems(tmp_path, environ=environ)[::-1]
    assert host == 'environment variable SERVER__HOST: found "a\\udcff\\n"; allowed: a line of text'
    assert unknown.startswith('environment variable "SERVER__A\\u009bB": no such option; ')
