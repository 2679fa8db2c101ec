"""What is written about the settings agrees with them: the example file and the pages of documentation."""

import re
from pathlib import Path

import attrs
import pytest
import tomli

from ccproxy_trio.settings import OPTIONS, PoolSettings, Settings, load, show
from tests.docs import reference

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "ccproxy.toml"
PAGE = (ROOT / "docs" / "configuration.md").read_text()


def test_the_example_equals_the_defaults(tmp_path: Path) -> None:
    settings = load(config=EXAMPLE, environ={}, cwd=tmp_path)
    assert settings == Settings()
    assert [settings.origin(key) for key in OPTIONS] == [f"{EXAMPLE}: {key}" for key in OPTIONS]


def test_the_example_has_every_option_in_order_and_nothing_else() -> None:
    document = tomli.loads(EXAMPLE.read_text())
    assert [f"{section}.{name}" for section, table in document.items() for name in table] == list(OPTIONS)


@pytest.mark.parametrize("key", OPTIONS)
def test_the_example_explains_every_option(key: str) -> None:
    option = OPTIONS[key]
    lines = f"# {option.meaning}\n# Allowed: {option.allowed}.\n{option.name} = {show(option.default)}"
    assert lines in EXAMPLE.read_text()


def test_the_reference_is_what_is_written_from_the_settings() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.write_reference(), (
        "write it anew: python -m tests.docs.reference"
    )


def test_the_pages_key_has_everything_that_a_key_can_have(tmp_path: Path) -> None:
    body = PAGE.partition("## `[server.keys.NAME]`\n")[2].partition("\n## ")[0]
    (example,) = re.findall(r"```toml\n(.*?)```", body, re.DOTALL)
    (tmp_path / "ccproxy.toml").write_text(example)
    (key,) = load(environ={}, cwd=tmp_path).server.keys.values()
    assert tuple(name for name, value in attrs.asdict(key).items() if value) == tuple(attrs.asdict(key))


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (0, PoolSettings(min_size=5, max_size=20, idle_timeout=600.0)),
        (1, PoolSettings(min_size=1, max_size=5, idle_timeout=120.0, warmup_on_startup=False)),
        (2, PoolSettings(enabled=False)),
    ],
    ids=["high traffic", "low traffic", "disabled"],
)
def test_the_pages_advice_can_be_followed(index: int, expected: PoolSettings, tmp_path: Path) -> None:
    _, _, advice = PAGE.partition("## Tuning the pool\n")
    blocks = re.findall(r"```toml\n(.*?)```", advice, re.DOTALL)
    assert len(blocks) == 3
    (tmp_path / "ccproxy.toml").write_text(blocks[index])
    assert load(environ={}, cwd=tmp_path).pool_settings == expected


def test_the_pages_environment_can_be_used(tmp_path: Path) -> None:
    environ = dict(re.findall(r"^export (\w+)='?(.*?)'?$", PAGE, re.MULTILINE))
    assert len(environ) == 4
    settings = load(environ=environ, cwd=tmp_path)
    assert (settings.pool_settings.min_size, settings.pool_settings.max_size) == (2, 6)
    assert settings.pool_settings.warmup_on_startup is False
    assert settings.claude.models == {"fast": "haiku"}
