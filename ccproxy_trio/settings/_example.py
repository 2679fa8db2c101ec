"""The commented example: every option at its default. The project's own `ccproxy.toml` is that file."""

from pathlib import Path


def read_example() -> str:
    """The text of the example, which is a file of settings that can be used."""
    return Path(__file__).parents[1].joinpath("ccproxy.toml").read_text(encoding="utf-8")
