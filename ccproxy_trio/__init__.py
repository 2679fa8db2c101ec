"""A pool of warm Claude Code processes behind the Anthropic Messages API, built on trio."""

__version__ = "0.1.0"
