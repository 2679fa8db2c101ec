"""What went wrong, said once and in no dialect.

Everything that fails between a request's first byte and its answer's last one becomes a `Failure`: the
client's own mistake, a word of the upstream API, a pool without a free instance, a CLI that died. Each
dialect renders it in its own shape, so that no layer below the dialects knows how an error looks to a client.

Rules: the status is an HTTP error status; the message is for people and never holds a credential; `kind` is
set only when upstream named its own error type, and then wins over the type that a dialect would derive from
the status.
"""

from __future__ import annotations

import math

from attrs import field, frozen
from attrs import validators as v


def _is_a_delay(failure: Failure, attribute: object, value: float | None) -> None:
    if value is not None and not 0 <= value < math.inf:
        raise ValueError(f"retry_after must be a finite number of seconds, zero or more, not {value!r}")


@frozen
class Failure:
    """One failed request, as every dialect can tell it."""

    status: int = field(validator=(v.ge(400), v.le(599)))
    """The HTTP status, 400 to 599, in the Anthropic API's use of them (529 is "overloaded")."""
    message: str
    """What went wrong and what to do about it, for people."""
    retry_after: float | None = field(default=None, validator=_is_a_delay)
    """Seconds after which another try makes sense, when that is known."""
    kind: str | None = None
    """The error type that upstream itself gave, such as ``overloaded_error``."""
    request_id: str | None = None
    """The id under which upstream knows the request."""
    code: str | None = None
    """A stable name of the cause, for programs that can do something about it."""

    def retry_after_header(self) -> str | None:
        """The value of a Retry-After header: whole seconds, rounded up so that no client comes back too early."""
        return None if self.retry_after is None else str(math.ceil(self.retry_after))


class InvalidRequest(Exception):
    """The client's request cannot be carried out as it stands."""

    def __init__(self, field: str, message: str, code: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        """Where, as a dotted path into the body (``messages.0.content``); empty when it is the body as a whole."""
        self.message = message
        """What is wrong there, without the path."""
        self.code = code
        """A stable name of the cause, where the API has one that programs act on."""

    @property
    def failure(self) -> Failure:
        """The same as a `Failure` of status 400."""
        return Failure(400, str(self), code=self.code)
