"""Whether traces are made, which OpenTelemetry's own environment variables say, and how that ends.

Rules:

* Without one of `OTEL_TRACES_EXPORTER`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and `OTEL_EXPORTER_OTLP_ENDPOINT` there
  are none. What cannot be done is told once, at the start, and no reason not to serve.
* Spans are handed over in a thread, from a queue that is bounded; what a collector does not take is lost.
* At the end what is queued is handed over, within the server's grace and for no longer than `PATIENCE`.
"""

from __future__ import annotations

import logging
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from .record import Observer
    from .spans import Spans

log = logging.getLogger("ccproxy_trio.server")

PATIENCE = 3.0

_EXPORTER = "OTEL_TRACES_EXPORTER"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"


@asynccontextmanager
async def open_tracing(grace: float) -> AsyncIterator[Sequence[Observer]]:
    """The observers that make traces; none where nobody wants any. `grace` is seconds."""
    spans = await _make_spans() if wants_traces(os.environ) else None
    if spans is None:
        yield ()
        return
    try:
        yield (spans.observe,)
    finally:
        with trio.move_on_after(min(grace, PATIENCE), shield=True) as scope:
            await trio.to_thread.run_sync(spans.shut, abandon_on_cancel=True)
        if scope.cancelled_caught:
            log.warning("the collector did not take the latest traces in time: they are lost")


def wants_traces(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for traces; if it does so in a way that cannot be served, that is logged."""
    exporter, protocol = _read(environ, _EXPORTER), _read(environ, *_PROTOCOLS) or _PROTOCOL
    if _read(environ, "OTEL_SDK_DISABLED") == "true" or exporter == "none":
        return False
    if not exporter and not _read(environ, *_ENDPOINTS):
        return False
    if exporter not in ("", "otlp"):
        log.warning("no traces are made: %s can be otlp or none, and is %.40r", _EXPORTER, exporter)
        return False
    if protocol != _PROTOCOL:
        log.warning("no traces are made: %s can be %s, and is %.40r", _PROTOCOLS[1], _PROTOCOL, protocol)
        return False
    return True


def _read(environ: Mapping[str, str], *names: str) -> str:
    """The first that says something."""
    return next((value for name in names if (value := environ.get(name, "").strip().lower())), "")


async def _make_spans() -> Spans | None:
    try:
        return await trio.to_thread.run_sync(_export_spans)
    except ImportError as error:
        log.warning(
            "no traces are made, though the environment asks for them (OTEL_...): %s. "
            "Install what they need: pip install 'ccproxy-trio[otel]'",
            error,
        )
    except Exception as error:  # noqa: BLE001 -- whatever the exporter makes of its variables
        log.warning("no traces are made: %s", error)
    return None


def _export_spans() -> Spans:
    from .spans import Spans  # the extra may not be there, and takes its time

    return Spans.exported()
