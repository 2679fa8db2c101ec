"""What is written about the settings agrees with them: the example file and the page of documentation."""

import re
from pathlib import Path

import pytest
import tomli

from ccproxy_trio.settings import OPTIONS, SECTIONS, PoolSettings, Settings, load, show

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


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_explains_every_option(section: str) -> None:
    _, _, rest = PAGE.partition(f"## `[{section}]`\n")
    body, _, _ = rest.partition("\n## ")
    rows = [line for line in body.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{option.name}` | `{show(option.default)}` | {option.allowed} | {option.meaning} |"
        for option in OPTIONS.values()
        if option.section == section
    ]


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
