"""What the operator may choose: `load()` reads it from a file, the environment and flags."""

from ccproxy_trio.settings._change import Change as Change
from ccproxy_trio.settings._change import compare as compare
from ccproxy_trio.settings._effective import HIDDEN as HIDDEN
from ccproxy_trio.settings._effective import Effective as Effective
from ccproxy_trio.settings._effective import list_effective as list_effective
from ccproxy_trio.settings._errors import Problem as Problem
from ccproxy_trio.settings._errors import SettingsError as SettingsError
from ccproxy_trio.settings._example import read_example as read_example
from ccproxy_trio.settings._keys import NAME as KEY_NAME
from ccproxy_trio.settings._keys import KeySettings as KeySettings
from ccproxy_trio.settings._keys import hash_key as hash_key
from ccproxy_trio.settings._keys import new_key as new_key
from ccproxy_trio.settings._load import load as load
from ccproxy_trio.settings._option import Option as Option
from ccproxy_trio.settings._option import show as show
from ccproxy_trio.settings._option import show_name as show_name
from ccproxy_trio.settings._values import OPTIONS as OPTIONS
from ccproxy_trio.settings._values import SECTIONS as SECTIONS
from ccproxy_trio.settings._values import ClaudeSettings as ClaudeSettings
from ccproxy_trio.settings._values import LogSettings as LogSettings
from ccproxy_trio.settings._values import OpenAISettings as OpenAISettings
from ccproxy_trio.settings._values import PoolSettings as PoolSettings
from ccproxy_trio.settings._values import ServerSettings as ServerSettings
from ccproxy_trio.settings._values import Settings as Settings

__all__ = [
    "HIDDEN",
    "KEY_NAME",
    "OPTIONS",
    "SECTIONS",
    "Change",
    "ClaudeSettings",
    "Effective",
    "KeySettings",
    "LogSettings",
    "OpenAISettings",
    "Option",
    "PoolSettings",
    "Problem",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "compare",
    "hash_key",
    "list_effective",
    "load",
    "new_key",
    "read_example",
    "show",
    "show_name",
]
