"""One option: what it means, what it may be, and what it is called in each source.

An option is an attrs field made with `option()`. Whatever is said about it anywhere (the loader's messages,
the flags and their help, the example file, the page of documentation) is read off that field, or tested
against it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from types import NoneType
from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args, get_origin

import attrs

T = TypeVar("T")

Effect: TypeAlias = Literal["restart", "now", "renewal"]
"""When another value counts in a server that runs and reads its settings again: not before it is started anew, at
once, or at once for instances that start from then on, by which all others are replaced."""

_SHOWN = 60
"""A value is shown in at most so many characters."""


def option(
    default: T,
    meaning: str,
    *,
    unit: str = "",
    minimum: float | None = None,
    above: float | None = None,
    maximum: float | None = None,
    infinite: bool = False,
    may_be_empty: bool = False,
    pattern: str = "",
    form: str = "",
    secret: bool = False,
    flag: str = "",
    effect: Effect = "restart",
) -> T:
    """Make the field of an option, to be assigned in the body of a section's class.

    `minimum` and `maximum` are allowed themselves, `above` is not. A number may be `inf` only if
    `infinite`, a text empty only if `may_be_empty`. Texts match `pattern`, if there is one; `form` says that in
    words. What is `secret` is never shown, and is no flag, as every user of a machine may read its command lines.
    `flag` is the flag's name where it is not the option's. Whoever says another `effect` than a restart sees to it.
    """
    metadata = {
        "meaning": meaning,
        "unit": unit,
        "minimum": minimum,
        "above": above,
        "maximum": maximum,
        "infinite": infinite,
        "may_be_empty": may_be_empty,
        "pattern": pattern,
        "form": form,
        "secret": secret,
        "flag": flag,
        "effect": effect,
    }
    # Typed as its default, so that type checkers compare that with the annotation.
    return attrs.field(default=default, metadata=metadata, repr=not secret)


def required(meaning: str, **limits: Any) -> Any:
    """Make the field of an option without a default, in a record of which there may be many."""
    return option(attrs.NOTHING, meaning, **limits)


@attrs.frozen(kw_only=True)
class Option:
    """All that is known of one option."""

    section: str
    name: str
    kind: Any
    """The field's annotation, without None: bool, int, float, str, datetime, a Literal of texts, a tuple of texts or
    of such, or a mapping of names to texts, to such, or to records, which are classes of options themselves."""
    default: object
    meaning: str
    unit: str
    minimum: float | None
    above: float | None
    maximum: float | None
    infinite: bool
    may_be_empty: bool
    pattern: str
    form: str
    secret: bool
    effect: Effect
    _flag: str

    @classmethod
    def of(cls, section: str, field: attrs.Attribute[Any]) -> Option:
        """Complete what `option()` has noted in `field`."""
        # None is what an option without a limit is by default; no source can say it.
        kinds = [kind for kind in get_args(field.type) if kind is not NoneType]
        kind = kinds[0] if NoneType in get_args(field.type) else field.type
        return cls(section=section, name=field.name, kind=kind, default=field.default, **field.metadata)

    @property
    def key(self) -> str:
        """Its name in messages, and in the `flags` given to `load()`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"{self.section}__{self.name}".upper()

    @property
    def has_variable(self) -> bool:
        """Whether it has one: what is in a record has none."""
        return "." not in self.section

    @property
    def flag(self) -> str:
        """Its flag; a boolean one means true."""
        return f"--{self._flag or self.name.replace('_', '-')}"

    @property
    def off_flag(self) -> str:
        """The flag of a boolean option that means false."""
        return f"--no-{self.flag.removeprefix('--')}"

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts it may be, or may hold; empty when it is no choice."""
        kind = self.kind
        if get_origin(kind) in (tuple, Mapping):
            kind = get_args(kind)[0 if self.is_list else 1]
        return get_args(kind) if get_origin(kind) is Literal else ()

    @property
    def is_list(self) -> bool:
        """Whether it holds any number of texts, or of its choices."""
        return get_origin(self.kind) is tuple

    @property
    def is_table(self) -> bool:
        """Whether it holds any number of texts, or of its choices, or of records, by name."""
        return get_origin(self.kind) is Mapping

    @property
    def record(self) -> type[attrs.AttrsInstance] | None:
        """The class of what it holds by name, where that has options itself."""
        kind = get_args(self.kind)[1] if self.is_table else None
        return kind if kind is not None and attrs.has(kind) else None

    @property
    def members(self) -> Mapping[str, Option]:
        """The options of such a record, by name."""
        fields = attrs.fields(self.record) if self.record is not None else ()
        return {field.name: Option.of(self.key, field) for field in fields}

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.is_list:
            what = (
                f"any of {', '.join(map(show, self.choices))}"
                if self.choices
                else self.form or "lines of text"
            )
            return f"a list of {what}" + (
                " (in an environment variable with commas)" if self.has_variable else ""
            )
        if self.record is not None:
            return f"{self.form} (in an environment variable as JSON)"
        if self.form:
            return self.form
        if self.kind is datetime:
            return "a date, or a date and time with its offset from UTC"
        if self.choices and self.is_table:
            return f"a table of {', '.join(map(show, self.choices))} by name (in an environment variable as JSON)"
        if self.choices:
            return " or ".join(map(show, self.choices))
        if self.kind is bool:
            return "true or false"
        if self.kind is str:
            return "a line of text" + (", or nothing" if self.may_be_empty else "")
        if self.kind not in (int, float):
            return "a table of texts by name, none of them empty (in an environment variable as JSON)"
        words = "a whole number" if self.kind is int else "a number"
        if self.unit:
            words += f" of {self.unit}"
        if self.above is not None:
            words += f" above {self.above}"
        if self.minimum is not None:
            words += f" from {self.minimum}"
        if self.maximum is not None:
            words += f" to {self.maximum}"
        elif self.minimum is not None:
            words += " up"
        return words + (", or inf" if self.infinite else "")

    def allows(self, value: object) -> bool:
        """Tell whether `value`, which is of the option's kind, is within its limits."""
        if isinstance(value, str):
            return self._is_text(value) or (self.may_be_empty and not value)
        if isinstance(value, tuple):
            return all(map(self._is_text, value))
        if isinstance(value, datetime):
            return True
        if isinstance(value, Mapping):
            return all(_is_line(name) and _is_line(text) for name, text in value.items())
        if isinstance(value, float) and not math.isfinite(value):
            return self.infinite and value == math.inf
        number = cast("float", value)
        return (
            (self.minimum is None or number >= self.minimum)
            and (self.above is None or number > self.above)
            and (self.maximum is None or number <= self.maximum)
        )

    def show(self, value: object) -> str:
        """Write a value that a source gives for it, for a message."""
        return "a value that is not shown here" if self.secret else show(value)

    def _is_text(self, text: str) -> bool:
        return _is_line(text) and (not self.pattern or re.fullmatch(self.pattern, text) is not None)


def show(value: object, depth: int = 2) -> str:
    """Write `value` as it would stand in a TOML file; what is long or deep is cut."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "".join(map(_escape, json.dumps(_cut(value), ensure_ascii=False)))
        case Mapping() if depth:
            return _cut(
                "{"
                + ", ".join(f"{show_name(name)} = {show(each, depth - 1)}" for name, each in value.items())
                + "}"
            )
        case list() | tuple() if depth:
            return _cut("[" + ", ".join(show(each, depth - 1) for each in value) + "]")
        case Mapping() | list() | tuple():
            return "…"
        case int() if abs(value) >= 10**_SHOWN:
            return "a huge number"  # str() of it may exceed Python's limit of digits
        case None:
            return "null"
        case _:
            return str(value)


def _escape(character: str) -> str:
    # JSON lets stand what is a command to a terminal (U+009B), and half of a surrogate pair.
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"


def show_name(name: str) -> str:
    """Write a key as it would stand in a TOML file: bare if it can be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else show(name)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _is_line(text: str) -> bool:
    # Neither NUL nor a lone surrogate may reach an argv or the terminal.
    return bool(text.strip()) and text.isprintable()
