"""Where each part of a translated request came from, and what of the request has no effect.

A request is translated into a Messages body and then read by the Messages API's own rules, so that all of them hold.
What those rules find wrong they name by a path into that body, which the client never saw: `Places` leads from there
back to what the client wrote. A path into OpenAI's requests has its indexes in brackets:
``messages.[2].content.[0]``.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from attrs import Factory, define, evolve

from ccproxy_trio.dialects.failures import Failure, InvalidRequest

WhenUnsupported: TypeAlias = Literal["refuse", "ignore"]
"""What becomes of a parameter that cannot be honoured."""

_INDEX = re.compile(r"\d+")


class Unsupported(InvalidRequest):
    """The client asks for something that OpenAI's API has and this server does not."""


def item(path: str, index: int) -> str:
    """The path of one item of the list that stands at `path`."""
    return f"{path}.[{index}]"


@define
class Places:
    """Places in a Messages body, each with the place in the client's request that it was made from."""

    _origins: dict[str, tuple[str, bool]] = Factory(dict)

    def note(self, path: str, origin: str, *, verbatim: bool = False) -> None:
        """What stands at `path` of the Messages body was made from what stands at `origin`.

        `verbatim`: it is the same value, so that paths into it lead on.
        """
        self._origins[path] = (origin, verbatim)

    def origin(self, path: str) -> str:
        """Where `path`, or the nearest place around it that was noted, came from; itself if nothing is known."""
        head, rest = path, ""
        while head not in self._origins:
            if "." not in head:
                return path
            head, _, step = head.rpartition(".")
            rest = f".[{step}]{rest}" if _INDEX.fullmatch(step) else f".{step}{rest}"
        origin, verbatim = self._origins[head]
        return origin + rest if verbatim else origin

    def retell(self, error: InvalidRequest) -> InvalidRequest:
        """An error of the Messages body, in terms of what the client wrote."""
        return InvalidRequest(self.origin(error.field), error.message)

    def retell_failure(self, failure: Failure) -> Failure:
        """The same for upstream's word on a request, if that begins with a path known here."""
        path, colon, words = failure.message.partition(": ")
        if failure.status != 400 or not colon or (origin := self.origin(path)) == path:
            return failure
        return evolve(failure, message=f"{origin}: {words}")


@define
class Notes:
    """What is to be remembered while a request is translated."""

    unsupported: WhenUnsupported = "refuse"
    """What the operator wants done with parameters that cannot be honoured."""
    places: Places = Factory(Places)
    ignored: list[str] = Factory(list)
    """Paths of what has no effect, for the client to be told."""

    def leave_out(self, path: str, why: str) -> None:
        """Leave out a parameter that cannot be honoured, or raise Unsupported if that is not wanted."""
        if self.unsupported == "refuse":
            raise Unsupported(path, f"this server does not support this parameter: {why}")
        self.ignored.append(path)
