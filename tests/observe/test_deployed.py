"""The Grafana dashboard and the rules for alerts ask for what there is, in words that Prometheus understands."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.observe.promtool import promtool
from tests.observe.scraping import ask_in_every_way, scrape
from tests.server.proxy import open_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.proxy import Backend

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "alerts.yml"
OF_PROMETHEUS = {"job", "instance", "le", "alertname"}

Labels = dict[str, set[str]]


def panels() -> list[dict[str, Any]]:
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, str]]:
    """Each with the legend of its lines."""
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]


def names(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:ccproxy|process)_\w+", expression))


def problems(expression: str, known: Labels) -> set[str]:
    """What in an expression there is not."""
    if missing := names(expression) - known.keys():
        return missing
    found = set()
    for name, selector in re.findall(r"\b((?:ccproxy|process)_\w+)\{(.*?)\}", expression):
        asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        found |= {f"{name}{{{label}}}" for label in asked - known[name] - OF_PROMETHEUS}
    by = {label.strip() for each in re.findall(r"\bby \((.*?)\)", expression) for label in each.split(",")}
    there = OF_PROMETHEUS.union(*(known[name] for name in names(expression)))
    return found | (by - there)


@pytest.fixture
async def known(demo: Backend) -> Labels:
    """The labels of each name, after requests of every kind."""
    async with open_proxy(demo) as proxy:
        await proxy.settle()
        await ask_in_every_way(proxy)
        return (await scrape(proxy)).labels()


async def test_the_dashboard_asks_for_what_there_is(known: Labels) -> None:
    asked = list(queries())
    assert len(asked) > 25
    for expression, legend in asked:
        assert names(expression), expression
        assert not problems(expression, known), expression
        for label in re.findall(r"\{\{(\w+)\}\}", legend):
            assert re.search(rf"by \([^)]*\b{label}\b", expression) or label in OF_PROMETHEUS, legend
    used = {name for expression, _ in asked for name in names(expression)}
    assert {"ccproxy_requests_total", "ccproxy_cost_dollars_total", "ccproxy_pool_instances"} < used


async def test_what_there_is_not_is_found(known: Labels) -> None:
    for expression, problem in (
        ("rate(ccproxy_request_total[5m])", "ccproxy_request_total"),
        ('ccproxy_requests_total{code="200"}', "ccproxy_requests_total{code}"),
        ("sum by (job, key) (ccproxy_requests_total)", "key"),
    ):
        assert problems(expression, known) == {problem}


async def test_the_alerts_ask_for_what_there_is(known: Labels) -> None:
    assert not problems(ALERTS.read_text(), known)


async def test_prometheus_understands_the_dashboard(tmp_path: Path) -> None:
    plain = [re.sub(r"\$__rate_interval", "5m", expression) for expression, _ in queries()]
    rules = [{"record": f"panel:{n}", "expr": expression} for n, expression in enumerate(plain)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in await promtool("check", "rules", str(file))


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


async def test_the_alerts_fire_when_they_should_and_not_before(tmp_path: Path) -> None:
    for file in (ALERTS, Path(__file__).parent / "alerts_test.yml"):
        shutil.copy(file, tmp_path)
    assert "SUCCESS" in await promtool("check", "rules", str(tmp_path / "alerts.yml"))
    assert "SUCCESS" in await promtool("test", "rules", str(tmp_path / "alerts_test.yml"))
