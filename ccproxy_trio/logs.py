"""The log: what every part says by the standard library's loggers, rendered by structlog for people or for programs.

Rules:

* All goes to standard error, a record a line. What a record tells in further lines (a traceback, several problems)
  is indented on a console, so that nothing in a message can pass for a record; in JSON it is inside the object.
* No control character, escape sequence or invisible mark gets out as it is, whoever wrote it.
* Nothing waits for whoever reads the log: what is not taken in time is lost, and how much of it is told later.
* A record bears the id of the request in whose course it was made, if it was made in one.
* Tracebacks are without the values of variables.
* Where the program that embeds this one has configured logging before, nothing is done.
"""

from __future__ import annotations

import logging
import os
import sys
from contextvars import Context
from typing import TYPE_CHECKING, TextIO

import structlog
from structlog.contextvars import bind_contextvars, merge_contextvars
from structlog.dev import (
    Column,
    ConsoleRenderer,
    KeyValueColumnFormatter,
    LogLevelColumnFormatter,
    plain_traceback,
)
from structlog.processors import JSONRenderer
from structlog.stdlib import ExtraAdder, ProcessorFormatter

from ccproxy_trio.log_output import Output

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from ccproxy_trio.settings import LogSettings

log = logging.getLogger("ccproxy_trio")

_INDENT = "    "
"""Of the further lines of one record, on a console."""
_RESET, _BRIGHT, _DIM, _BLUE, _MAGENTA, _CYAN = (
    "\x1b[0m",
    "\x1b[1m",
    "\x1b[2m",
    "\x1b[34m",
    "\x1b[35m",
    "\x1b[36m",
)
_WIDTH = 40
"""What a message takes on a console at least, before what belongs to it."""


def configure_logging(settings: LogSettings) -> None:
    """Log by these settings from now on; what was configured here before counts no more."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(_Handler())
    for handler in root.handlers:
        if isinstance(handler, _Handler):
            handler.take(settings)
    if settings.prompts:
        log.warning("what clients ask and are answered is logged at debug, word by word (log.prompts)")


def name_request(request_id: str) -> None:
    """Have what the task under way logs from now on bear the id of its request."""
    bind_contextvars(request_id=request_id)


class _Handler(logging.StreamHandler[TextIO]):
    """The one handler, and the levels that are in force with it."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.addFilter(_is_not_told_elsewhere)
        self._levels: set[str] = set()
        self._output = Output(self.stream)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, or count it as lost."""
        try:
            lines = self.format(record) + self.terminator
            if self._lost:
                lines = self._tell_lost() + lines
        except Exception:  # noqa: BLE001 -- as every handler does: the log is no reason to fail
            self.handleError(record)
            return
        try:
            written = self._output.write(lines)
        except OSError:
            written = False  # whoever read it has gone
        self._lost = 0 if written else self._lost + 1

    def _tell_lost(self) -> str:
        said = "records of the log are lost, as nobody took them in time: %d"
        record = logging.LogRecord(log.name, logging.WARNING, __file__, 0, said, (self._lost,), None)
        # Of no request, whichever it is in whose course this is noticed.
        return Context().run(self.format, record) + self.terminator

    def take(self, settings: LogSettings) -> None:
        """Put settings in force, and those before out."""
        for name in self._levels:
            logging.getLogger(name).setLevel(logging.NOTSET)
        self._levels = set(settings.levels)
        logging.getLogger().setLevel(settings.level.upper())
        for name, level in settings.levels.items():
            logging.getLogger(name).setLevel(level.upper())
        terminal = self.stream.isatty()
        for_people = settings.format == "console" or (settings.format == "auto" and terminal)
        colors = terminal and not os.environ.get("NO_COLOR")
        self.setFormatter(_formatter(for_people=for_people, colors=colors))


def _is_not_told_elsewhere(record: logging.LogRecord) -> bool:
    # hypercorn's own command logs to standard error by itself, too.
    return not (record.name.startswith("hypercorn.") and logging.getLogger(record.name).handlers)


def _formatter(*, for_people: bool, colors: bool) -> ProcessorFormatter:
    every: list[Processor] = [
        merge_contextvars,
        ExtraAdder(),  # which tells better than the context whose a record is
        _leave_out_what_others_wrote,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # In ASCII, so that no reader takes another character for the end of a line.
    json = JSONRenderer(ensure_ascii=True)
    last: list[Processor] = (
        [_make_harmless, _console(colors=colors)] if for_people else [_put_first_things_first, json]
    )
    without_values = structlog.processors.format_exc_info
    return ProcessorFormatter(
        foreign_pre_chain=every,
        processors=[ProcessorFormatter.remove_processors_meta, without_values, *last],
    )


def _leave_out_what_others_wrote(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    for name in ("message", "asctime"):  # which a formatter leaves in the record, for whoever comes after it
        event.pop(name, None)
    return event


def _console(*, colors: bool) -> ConsoleRenderer:
    reset = _RESET if colors else ""

    def styled(
        style: str, *, key: str | None = None, width: int = 0, postfix: str = ""
    ) -> KeyValueColumnFormatter:
        return KeyValueColumnFormatter(
            key_style=key,
            value_style=style if colors else "",
            reset_style=reset,
            value_repr=str,
            width=width,
            postfix=postfix,
        )

    levels = ConsoleRenderer.get_default_level_styles(colors)
    return ConsoleRenderer(
        columns=[
            Column("", styled(_MAGENTA, key=_CYAN if colors else "")),
            Column("timestamp", styled(_DIM)),
            Column("level", LogLevelColumnFormatter(levels, reset)),
            Column("logger", styled(_BLUE, postfix=":")),
            Column("event", styled(_BRIGHT, width=_WIDTH)),
        ],
        sort_keys=False,
        exception_formatter=plain_traceback,
    )


def _put_first_things_first(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {name: event.pop(name, None) for name in ("timestamp", "level", "logger", "event")} | dict(event)


def _make_harmless(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    # What is no text is put into one by the renderer, which would not look at it.
    shown = {
        name: value if isinstance(value, bool | int | float) else _escape(str(value))
        for name, value in event.items()
    }
    if "exception" in shown:
        shown["exception"] = f"{_INDENT}{shown['exception']}"  # it begins on a line of its own
    return shown


def _escape(text: str) -> str:
    if text.isprintable():
        return text
    shown = "".join([each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text])
    return shown.replace("\n", f"\n{_INDENT}")
