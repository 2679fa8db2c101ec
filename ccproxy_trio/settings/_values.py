"""The settings: one frozen class a section, one field an option, with its default, meaning and limits.

Times are seconds, sizes are bytes. Only times for which "never" makes sense may be `inf`; whatever is
awaited on a child or on a client stays bounded. `load()` checks values; these classes, built by hand,
believe what they are given.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

import attrs

from ccproxy_trio.settings._keys import NAME, KeySettings
from ccproxy_trio.settings._option import Option, option


@attrs.frozen(kw_only=True)
class PoolSettings:
    """The pool of Claude CLI instances."""

    enabled: bool = option(
        True,
        "Keep instances for reuse; when off, each request gets a fresh one, still at most max_size at once.",
        flag="pool",
    )
    min_size: int = option(
        2,
        "Instances kept at least: idle ones stay, dead ones are replaced.",
        unit="instances",
        minimum=0,
        effect="now",
    )
    max_size: int = option(
        10,
        "Instances at most, those starting and closing included.",
        unit="instances",
        minimum=1,
        effect="now",
    )
    idle_timeout: float = option(
        300.0,
        "An instance idle for so long is closed, down to min_size.",
        unit="seconds",
        minimum=0,
        infinite=True,
        effect="now",
    )
    warmup_on_startup: bool = option(
        True, "Create min_size instances at the start; when off, at the first request."
    )
    health_check_interval: float = option(
        60.0,
        "Time between two checks of an idle instance.",
        unit="seconds",
        above=0,
        infinite=True,
        effect="now",
    )
    acquire_timeout: float = option(
        5.0,
        "Longest wait of a request for an instance; then it is answered as overloaded.",
        unit="seconds",
        minimum=0,
        effect="now",
    )
    min_fresh: int = option(
        0,
        "Never-used instances kept ready, within max_size; they suit every request.",
        unit="instances",
        minimum=0,
        effect="now",
    )
    max_waiting: int = option(
        1000,
        "Requests that may wait for an instance; one more is refused at once.",
        unit="requests",
        minimum=1,
        effect="now",
    )
    max_uses: int = option(
        200, "An instance is replaced after so many requests.", unit="requests", minimum=1, effect="now"
    )
    max_lifetime: float = option(
        3600.0,
        "An instance is replaced at about this age, once idle.",
        unit="seconds",
        above=0,
        infinite=True,
        effect="now",
    )
    create_timeout: float = option(
        30.0, "Longest start of an instance.", unit="seconds", above=0, effect="now"
    )
    check_timeout: float = option(
        5.0, "Longest check of an instance; then it is replaced.", unit="seconds", above=0, effect="now"
    )
    reset_timeout: float = option(
        5.0,
        "Longest clean-up of an instance after a request; then it is replaced.",
        unit="seconds",
        above=0,
        effect="now",
    )
    close_timeout: float = option(
        5.0, "Longest close of an instance; then it is killed.", unit="seconds", above=0, effect="now"
    )
    check_after_idle: float = option(
        30.0,
        "An instance idle for longer is checked before it is reused.",
        unit="seconds",
        minimum=0,
        infinite=True,
        effect="now",
    )
    max_starting: int = option(
        4, "Instances that may be starting at the same time.", unit="instances", minimum=1, effect="now"
    )


@attrs.frozen(kw_only=True)
class ServerSettings:
    """The HTTP server."""

    host: str = option("127.0.0.1", "Address to listen on.")
    port: int = option(8000, "Port to listen on; 0 is any free one.", minimum=0, maximum=65535)
    grace: float = option(
        30.0, "Time that requests under way get to finish at shutdown.", unit="seconds", minimum=0
    )
    drain_delay: float = option(
        0.0,
        "Time at shutdown for which new requests are still taken, while /readyz answers 503.",
        unit="seconds",
        minimum=0,
    )
    max_body_size: int = option(33554432, "Largest body of a request.", unit="bytes", minimum=1, effect="now")
    request_timeout: float = option(
        600.0,
        "Longest time from a request's arrival to the end of its answer; a client may ask for less.",
        unit="seconds",
        above=0,
        infinite=True,
        effect="now",
    )
    body_timeout: float = option(
        60.0, "Longest arrival of a request's body.", unit="seconds", above=0, effect="now"
    )
    keep_alive_timeout: float = option(
        75.0, "A connection without a request for so long is closed.", unit="seconds", above=0
    )
    write_timeout: float = option(
        30.0, "A client that takes no byte for so long is cut off.", unit="seconds", above=0
    )
    ping_interval: float = option(
        15.0,
        "Silence in a stream after which a ping is sent.",
        unit="seconds",
        above=0,
        infinite=True,
        effect="now",
    )
    max_header_size: int = option(65536, "Largest head of a request.", unit="bytes", minimum=1)
    max_connections: int = option(
        2000,
        "Connections at most; a newcomer takes the place of an idle one, or is refused.",
        unit="connections",
        minimum=1,
    )
    keys: Mapping[str, KeySettings] = option(
        MappingProxyType({}),
        "Keys of those who may call; when there is none, every program of this machine may, and no other.",
        form="a table of keys by name",
        pattern=NAME,
        secret=True,
        effect="now",
    )
    allow_anyone: bool = option(
        False,
        "Without any key, listen on any address and serve whoever reaches it, all the same.",
        effect="now",
    )
    allowed_hosts: tuple[str, ...] = option(
        (),
        "Names that a request's Host may have beside this machine's; with keys any may stand there, unless some are "
        "listed here.",
        pattern=r"[a-z0-9_-]+(\.[a-z0-9_-]+)*",
        form="names of hosts in lower case, without a port",
        flag="allow-host",
        effect="now",
    )
    allowed_origins: tuple[str, ...] = option(
        (),
        "Origins of web pages that may call; requests of all others are refused.",
        pattern=r"[a-z][a-z0-9+.-]*://[^\s/,?#@A-Z]+",
        form="origins in lower case, such as https://app.example.com",
        flag="allow-origin",
        effect="now",
    )


ServerTool: TypeAlias = Literal[
    "code_execution", "tool_search_tool_bm25", "tool_search_tool_regex", "web_fetch", "web_search"
]


@attrs.frozen(kw_only=True)
class ClaudeSettings:
    """The Claude CLI behind each instance."""

    cli_path: str = option(
        "",
        "The claude binary; when empty, it is searched for in the usual places.",
        may_be_empty=True,
        effect="renewal",
    )
    default_model: str = option("sonnet", "Model that an instance starts with.", effect="renewal")
    models: Mapping[str, str] = option(
        MappingProxyType({}),
        "Names or patterns (gpt-4*) that clients may send, each with the CLI's model; "
        "opus, sonnet and haiku always work.",
        effect="now",
    )
    allowed_tools: tuple[ServerTool, ...] = option(
        (),
        "Tools of the upstream API's own that clients may use; the API runs them, at the cost of whoever runs "
        "this server.",
        flag="allow-tool",
        effect="now",
    )
    auth: Literal["auto", "environment", "login"] = option(
        "auto",
        "environment: by the API key, auth token or cloud provider in environment variables; "
        "login: by the CLI's own login; auto: environment if such a variable is set, else login.",
        effect="renewal",
    )
    demo: bool = option(
        False, "Run the built-in stand-in for the CLI, which echoes and needs no login.", effect="renewal"
    )
    update_interval: float = option(
        60.0,
        "Time between two looks at whether another version of the CLI is on disk.",
        unit="seconds",
        above=0,
        infinite=True,
        effect="now",
    )
    control_timeout: float = option(
        10.0, "Longest wait for a control reply of the CLI.", unit="seconds", above=0, effect="renewal"
    )
    first_event_timeout: float = option(
        120.0, "Longest wait from prompt to first event.", unit="seconds", above=0, effect="renewal"
    )
    stall_timeout: float = option(
        120.0, "Longest wait between two events.", unit="seconds", above=0, effect="renewal"
    )
    turn_timeout: float = option(
        600.0, "Longest turn, from prompt to end.", unit="seconds", above=0, effect="renewal"
    )


@attrs.frozen(kw_only=True)
class OpenAISettings:
    """What is particular to OpenAI's API."""

    unsupported: Literal["refuse", "ignore"] = option(
        "refuse",
        "Parameters that cannot be honoured (n above 1, logprobs, seed …): refuse the request, or leave them out "
        "and name them in the header x-ccproxy-ignored.",
        flag="openai-unsupported",
        effect="now",
    )
    reasoning_content: bool = option(
        True,
        "Tell a model's thoughts, where a request asks for reasoning, as reasoning_content.",
        effect="now",
    )


LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]


@attrs.frozen(kw_only=True)
class LogSettings:
    """What is logged, on standard error."""

    level: LogLevel = option(  # noqa: RUF009 -- it is an alias of a Literal
        "info", "The least that is logged; at debug much more is told.", flag="log-level", effect="now"
    )
    levels: Mapping[str, LogLevel] = option(
        MappingProxyType({}),
        "Other levels for single loggers and all below them, by their names.",
        flag="log-levels",
        effect="now",
    )
    format: Literal["auto", "console", "json"] = option(
        "auto",
        "console: lines for people, in colours on a terminal; json: an object a line; auto: console on a terminal, "
        "else json.",
        flag="log-format",
        effect="now",
    )
    prompts: bool = option(
        False,
        "Log what clients ask and what they are answered, word by word, at debug: the only way it gets into the log.",
        flag="log-prompts",
        effect="now",
    )


@attrs.frozen(kw_only=True)
class Settings:
    """Everything the operator chose; `Settings()` is all defaults. Only values count for equality."""

    pool_settings: PoolSettings = PoolSettings()
    server: ServerSettings = ServerSettings()
    claude: ClaudeSettings = ClaudeSettings()
    openai: OpenAISettings = OpenAISettings()
    log: LogSettings = LogSettings()
    file: Path | None = attrs.field(default=None, eq=False)
    """The file that was read, if any."""
    _origins: Mapping[str, str] = attrs.field(default=MappingProxyType({}), eq=False, repr=False)

    def origin(self, key: str) -> str:
        """Tell where the value of `key`, such as `server.port`, came from. `KeyError` if there is none."""
        return self._origins.get(OPTIONS[key].key, "default")


Section: TypeAlias = PoolSettings | ServerSettings | ClaudeSettings | OpenAISettings | LogSettings

SECTIONS: Mapping[str, type[Section]] = MappingProxyType(
    {
        "pool_settings": PoolSettings,
        "server": ServerSettings,
        "claude": ClaudeSettings,
        "openai": OpenAISettings,
        "log": LogSettings,
    }
)
"""The class of each section, by the section's name."""

OPTIONS: Mapping[str, Option] = MappingProxyType(
    {
        f"{section}.{field.name}": Option.of(section, field)
        for section, values in SECTIONS.items()
        for field in attrs.fields(values)
    }
)
"""Every option by its key."""
