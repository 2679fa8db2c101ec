"""What the operator may choose: `load()` reads it from a file, the environment and flags."""

from ccproxy_trio.settings._errors import Problem as Problem
from ccproxy_trio.settings._errors import SettingsError as SettingsError
from ccproxy_trio.settings._load import load as load
from ccproxy_trio.settings._option import Option as Option
from ccproxy_trio.settings._option import show as show
from ccproxy_trio.settings._values import OPTIONS as OPTIONS
from ccproxy_trio.settings._values import SECTIONS as SECTIONS
from ccproxy_trio.settings._values import ClaudeSettings as ClaudeSettings
from ccproxy_trio.settings._values import OpenAISettings as OpenAISettings
from ccproxy_trio.settings._values import PoolSettings as PoolSettings
from ccproxy_trio.settings._values import ServerSettings as ServerSettings
from ccproxy_trio.settings._values import Settings as Settings

__all__ = [
    "OPTIONS",
    "SECTIONS",
    "ClaudeSettings",
    "OpenAISettings",
    "Option",
    "PoolSettings",
    "Problem",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "load",
    "show",
]
