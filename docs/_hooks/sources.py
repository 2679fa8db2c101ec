"""Pages of the site for what the docs link to outside their folder, so that the links work as they do on a forge.

A page for each such file shows it, and one for each such folder lists its files. They are at `source/…`, and in no
search.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

_LINK = re.compile(r"\]\(((?:\.\./)+[^)#\s]*)(#[^)\s]*)?\)")
_LANGUAGES = {
    ".cfg": "cfg",
    ".json": "json",
    ".md": "markdown",
    ".py": "python",
    ".toml": "toml",
    ".yml": "yaml",
}
_FENCE = "`" * 10
"""Longer than any in a page that is shown."""


def on_files(files: Files, *, config: MkDocsConfig) -> None:
    """Add the pages."""
    root = Path(config.config_file_path).parent
    linked = {
        outside
        for file in files.documentation_pages()
        for target, _ in _LINK.findall(file.content_string)
        if (outside := _outside(file.src_uri, target)) is not None
    }
    for outside in linked:
        for path in _shown(root / outside):
            address = path.relative_to(root).as_posix()
            files.append(File.generated(config, _page_of(address), content=_write_page(path, address)))


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links there. One to a file that is not there stays, and is found out by mkdocs."""

    def lead(found: re.Match[str]) -> str:
        outside = _outside(page.file.src_uri, found[1])
        if outside is None or files.get_file_from_path(_page_of(outside)) is None:
            return found[0]
        return f"]({posixpath.relpath(_page_of(outside), posixpath.dirname(page.file.src_uri))})"

    return _LINK.sub(lead, markdown)


def _outside(page: str, target: str) -> str | None:
    """What a page's link leads to, from the project's root; None if that is in the docs."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    return None if path.startswith(("docs/", "..")) else path


def _page_of(outside: str) -> str:
    return f"source/{outside}.md"


def _shown(path: Path) -> Iterator[Path]:
    if path.exists():
        yield path
    if path.is_dir():
        yield from (each for each in sorted(path.iterdir()) if each.is_file())


def _write_page(path: Path, address: str) -> str:
    head = f"---\ntitle: {path.name}\nsearch:\n  exclude: true\n---\n\n# `{address}`\n\n"
    if path.is_dir():
        names = (each.name for each in _shown(path) if each != path)
        return head + "".join(f"* [`{name}`]({path.name}/{name}.md)\n" for name in names)
    text = path.read_text(encoding="utf-8")
    return f"{head}{_FENCE}{_LANGUAGES.get(path.suffix, 'text')}\n{text}\n{_FENCE}\n"
