"""The site of docs/: it builds without a warning, reads as a forge shows it, and asks nothing of another host."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import DOCS, Page, read_page

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [read_page(str(path.relative_to(DOCS))) for path in sorted(DOCS.rglob("*.md"))]

LOADED = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "input": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "track": "src",
    "video": "src",
}
"""What a browser fetches by itself: elements, each with the attribute that says what."""
HOSTS = {"unpkg.com", "api.github.com", "${e}"}
"""What the theme's scripts may ask: for drawing, and for the stars of a repository at GitHub or any GitLab."""
ELSEWHERE = re.compile(r"^\s*(?:[a-z][a-z+.-]*:)?//", re.IGNORECASE)


class Loads(HTMLParser):
    """What a page has a browser fetch, and what scripts of the theme would look for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.classes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        given = {name: value or "" for name, value in attrs}
        self.classes.update(given.get("class", "").split())
        if (attribute := LOADED.get(tag)) and attribute in given:
            self.found.append(given[attribute])
        self.found += [candidate.strip() for candidate in given.get("srcset", "").split(",") if candidate]
        self.found += re.findall(r"url\(([^)]*)\)", given.get("style", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as anybody builds it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=DOCS.parent,
        env={"PATH": os.defpath, "HOME": str(folder.parent), "NO_MKDOCS_2_WARNING": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    built = {path.parent.relative_to(site).as_posix() for path in site.rglob("index.html")}
    written = {page.path.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}
    assert built - {path for path in built if path.startswith("source/")} == written - {"index"} | {"."}


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert pages
    for path in pages:
        loads = Loads(path.read_text(encoding="utf-8"))
        assert any(each.endswith(".css") for each in loads.found), path
        assert any(each.endswith(".js") for each in loads.found), path
        assert [each for each in loads.found if ELSEWHERE.match(each)] == [], path
        # What the theme's script loads from another host, when a page has it.
        assert not loads.classes & {"mermaid", "md-source"}, path


def test_no_style_loads_from_another_host(site: Path) -> None:
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert styles
    for style in styles:
        found = re.findall(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""", style)
        assert [each for each in found if ELSEWHERE.match(each)] == []


def test_what_the_theme_may_load_is_known(site: Path) -> None:
    """Addresses in scripts: a newer theme with another one has to be looked at."""
    scripts = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.js"))
    hosts = set(re.findall(r"""["'`]https?://([^/"'`\s]+)""", scripts))
    assert hosts == HOSTS


def test_a_link_to_a_file_outside_leads_to_a_page_that_shows_it(site: Path) -> None:
    html = (site / "architecture" / "index.html").read_text(encoding="utf-8")
    (href,) = set(re.findall(r'href="([^"]*source/ccproxy_trio/claude/exchange\.py[^"]*)"', html))
    shown = (site / "architecture" / href / "index.html").read_text(encoding="utf-8")
    assert "state machine" in shown or "class" in shown
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    assert "source/" not in index


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_a_page_reads_alike_on_a_forge_and_on_the_site(page: Page) -> None:
    """Forges begin a list or table below a line of text, and nest by two spaces; the site does neither."""
    lines = re.sub(r"^( *)```.*?^\1```$", "", page.text, flags=re.MULTILINE | re.DOTALL).splitlines()
    item = re.compile(r"(?:[*+-]|\d+\.) |\|")
    for before, line in itertools.pairwise(lines):
        begins = item.match(line) and before.strip() and not before.startswith(" ")
        assert not begins or item.match(before), f"a blank line is missing above: {line}"
        assert not re.match(r" {1,3}(?:[*+-]|\d+\.) ", line), f"nest by four spaces: {line}"
