"""The header `Server-Timing`: how long each stage of a request has taken, for its client.

The head of a stream goes out when the first event has come, so it tells the stages until then. What was refused
before any instance was asked for has the total alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .record import RequestRecord


def tell_timing(record: RequestRecord) -> str:
    """The header's value: durations in milliseconds, of the stages that have ended and of all until now."""
    times = [(name, end - began) for name, began, end in record.stages.spans() if end is not None]
    return ", ".join(f"{name};dur={took * 1000:.1f}" for name, took in [*times, ("total", record.duration)])
