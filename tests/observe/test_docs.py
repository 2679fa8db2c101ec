"""The table of metrics in the docs is that of the page, word by word."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.observe.scraping import Scrape, ask_in_every_way, scrape
from tests.server.proxy import open_proxy

if TYPE_CHECKING:
    from tests.server.proxy import Backend

PAGE = Path(__file__).parents[2] / "docs/observing.md"
HEAD = ["| Name | Kind | Labels | What it is |", "|---|---|---|---|"]


def table(told: Scrape) -> list[str]:
    """What the docs are to say of each metric of ours."""
    labels, rows = told.labels(), []
    for name, about in re.findall(r"^# HELP (ccproxy_\w+) (.*)$", told.text, re.MULTILINE):
        (kind,) = re.findall(rf"^# TYPE {name} (\w+)$", told.text, re.MULTILINE)
        sample = f"{name}_count" if kind == "histogram" else name
        listed = ", ".join(f"`{label}`" for label in sorted(labels[sample]))
        rows.append(f"| `{name}` | {kind} | {listed} | {about} |")
    return [*HEAD, *rows]


async def test_every_metric_is_told_of(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        await proxy.settle()
        await ask_in_every_way(proxy)
        told = await scrape(proxy)
    lines = PAGE.read_text().splitlines()
    start = lines.index(HEAD[0])
    written = lines[start : lines.index("", start)]
    assert written == table(told)
    assert len(written) > 20
