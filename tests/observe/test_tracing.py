"""When traces are made, that they reach a collector, and that a collector which does not answer holds nothing up."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.claude.locate import build_launch, locate_cli
from ccproxy_trio.claude.stages import Stages
from ccproxy_trio.server.observe import RequestRecord, open_tracing
from ccproxy_trio.server.observe.tracing import wants_traces
from tests.observe.collector import open_collector
from tests.serve.running import ONE_WORKER, SERVE, Scratch, Way, open_server
from tests.server.proxy import eventually

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment, without a word on traces."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("way", [SERVE, ONE_WORKER], ids=str)
async def test_they_reach_a_collector(way: Way, tmp_path: Path) -> None:
    async with open_collector() as collector:
        variables = {
            "CLAUDE__DEMO": "true",
            "POOL_SETTINGS__MIN_SIZE": "1",
            ENDPOINT: collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-team=ours",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.version=theirs",
        }
        async with open_server(way, Scratch(tmp_path, variables)) as server:
            assert (await server.ask("hello")).status == 200
        # What was not handed over before the end is by then.
        names = [span.name for span in collector.spans]
        assert sorted(names) == ["POST /v1/messages", "prepare", "queue", "relay", "turn"]
        assert all(head["x-team"] == "ours" for head in collector.headers)
        told = {
            each.key: each.value.string_value
            for found in collector.resources
            for each in found.resource.attributes
        }
        assert told["service.name"] == "ccproxy-trio"
        assert told["service.version"] == "theirs"
        assert told["deployment.environment.name"] == "test"
        assert "Traceback" not in server.stderr.value


async def test_a_collector_that_does_not_answer(
    bare: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_collector(silent=True) as collector:
        bare.setenv(ENDPOINT, collector.url)
        bare.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1")
        async with open_tracing(grace=0.2) as (observe,):
            record = RequestRecord(
                id="req_1",
                method="GET",
                endpoint="/healthz",
                dialect="anthropic",
                began=trio.current_time(),
                stages=Stages(),
            )
            record.ended = trio.current_time()
            observe(record)
        with trio.fail_after(30):
            await collector.asked.wait()
        assert "they are lost" in caplog.text
        await eventually(lambda: not any("OtelBatch" in thread.name for thread in threading.enumerate()))


async def test_without_the_extra(bare: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    bare.setenv(ENDPOINT, "http://127.0.0.1:9")
    bare.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    bare.delitem(sys.modules, "ccproxy_trio.server.observe.spans", raising=False)
    async with open_tracing(1.0) as observers:
        assert observers == ()
    (line,) = caplog.records
    assert line.levelno == logging.WARNING
    assert "pip install 'ccproxy-trio[otel]'" in line.getMessage()
    assert "opentelemetry.sdk.trace" in line.getMessage()


async def test_what_the_exporter_cannot_use(
    bare: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bare.setenv(ENDPOINT, "http://127.0.0.1:9")
    bare.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    async with open_tracing(1.0) as observers:
        assert observers == ()
    assert "no traces are made: max_queue_size must be" in caplog.text


async def test_nobody_asks_for_them(bare: pytest.MonkeyPatch) -> None:
    bare.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    bare.delitem(sys.modules, "ccproxy_trio.server.observe.spans", raising=False)
    async with open_tracing(1.0) as observers:
        assert observers == ()


@pytest.mark.parametrize(
    ("environ", "wanted", "said"),
    [
        ({}, False, ""),
        ({"OTEL_SERVICE_NAME": "x"}, False, ""),
        ({ENDPOINT: " "}, False, ""),
        ({ENDPOINT: "http://localhost:4318"}, True, ""),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, True, ""),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, ""),
        ({"OTEL_TRACES_EXPORTER": "none", ENDPOINT: "http://localhost:4318"}, False, ""),
        ({"OTEL_SDK_DISABLED": "TRUE", ENDPOINT: "http://localhost:4318"}, False, ""),
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            False,
            "OTEL_TRACES_EXPORTER can be otlp or none, and is 'zipkin'",
        ),
        (
            {ENDPOINT: "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            False,
            "OTEL_EXPORTER_OTLP_PROTOCOL can be http/protobuf, and is 'grpc'",
        ),
        (
            {
                ENDPOINT: "http://localhost:4318",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            True,
            "",
        ),
    ],
)
def test_who_asks_for_them(
    environ: dict[str, str], wanted: bool, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert wants_traces(environ) is wanted
    assert said in caplog.text
    assert bool(said) == bool(caplog.records)


def test_the_instances_are_told_nothing_of_it() -> None:
    environ = {"PATH": os.environ["PATH"], ENDPOINT: "http://x", "OTEL_EXPORTER_OTLP_HEADERS": "secret=1"}
    launch = build_launch(locate_cli("", "auto", environ, demo=True), "sonnet", environ)
    assert not any(name.startswith("OTEL_") for name in launch.env)
