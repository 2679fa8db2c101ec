"""The page in a real browser: what it shows while requests run, and how it takes a restart, keys, and no mouse.

Pictures go to the folder that `CCPROXY_SCREENSHOTS` names, or to one of the test's own.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import trio
from attrs import evolve

from ccproxy_trio.server.dashboard.state import difference
from ccproxy_trio.settings import hash_key, new_key
from tests.dashboard.browser import Page, open_page
from tests.reserved_port import reserve_port
from tests.serve.conftest import scratch as scratch
from tests.serve.running import SERVE, Scratch, Server, open_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SIZES = (1280, 800, 400)
PNG = b"\x89PNG"
LIVE = "document.querySelector('#status').dataset.is === 'live'"
STATES = (
    "[...document.querySelectorAll('#cells li:not(.free)')].map(cell => cell.dataset.state).sort().join()"
)
FOCUSABLE = """
    [...document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')]
        .filter(one => one.checkVisibility() && (one.type !== 'radio' || one.checked))
"""
DESCRIBE = "(one => one.id || one.getAttribute('aria-label') || one.value || one.textContent)"
SEEN_FOCUS = """
    (one => one.type === 'radio' ? one.nextElementSibling : one)(document.activeElement)
"""
CELLS = """
    ['fresh', 'idle', 'leased', 'starting', 'checking', 'resetting', 'retiring', 'free'].map(state => {
        const cell = make('li', state, state);
        document.querySelector('#cells').append(cell);
        const { color, backgroundColor } = getComputedStyle(cell);
        cell.remove();
        return [state, color, backgroundColor];
    })
"""
PAPER = {False: "rgb(245, 244, 240)", True: "rgb(20, 22, 26)"}


def url(server: Server, path: str = "/") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


async def check_accessibility(page: Page) -> None:
    """By axe-core, all rules of WCAG 2.1 at the levels A and AA, and what it calls best practices."""
    await page.call("Page.setBypassCSP", enabled=True)
    axe = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    found = await page.ask(
        f"{axe}; axe.run().then(told => ({{wrong: told.violations, passed: told.passes.length}}))"
    )
    wrong = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["wrong"]]
    assert wrong == []
    assert found["passed"] > 20


def luminance(color: str) -> float:
    """As WCAG 2.1 has it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def check_cells(page: Page, *, dark: bool) -> None:
    """The text of a cell can be read in every state."""
    for state, color, fill in await page.ask(CELLS):
        behind = PAPER[dark] if fill == "rgba(0, 0, 0, 0)" else fill
        low, high = sorted((luminance(color), luminance(behind)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (state, color, behind)


async def test_it_shows_a_pool_at_work(scratch: Scratch, tmp_path: Path) -> None:
    folder = trio.Path(os.environ.get("CCPROXY_SCREENSHOTS", tmp_path))
    await folder.mkdir(parents=True, exist_ok=True)
    scratch = evolve(scratch, variables={**scratch.variables, "POOL_SETTINGS__MAX_SIZE": "3"})
    async with open_server(SERVE, scratch) as server, open_page() as page:
        await page.look(1280, 900, dark=False)
        await page.open(url(server))
        await page.until(f"{STATES} === 'fresh'")
        assert await page.ask("document.querySelectorAll('#cells .free').length") == 2
        async with server.stream("[[hang]]") as one, server.stream("[[hang]]") as two:
            await one.until("message_start")
            await page.until(f"{STATES}.includes('leased')")
            await two.until("message_start")
            await page.until(f"{STATES} === 'leased,leased'")
            assert await page.text("#f-leased") == "2"
            assert await page.text("#legend") == "2 leased\n1 place free"
            async with server.stream("[[hang]]") as three, server.stream("[[hang]]"):
                await three.until("message_start")
                await page.until("document.querySelector('#f-waiting').textContent === '1'")
                await page.until("document.title === '(1 waiting) ccproxy_trio'")
        await page.until("document.querySelector('#f-waiting').textContent === '0'")
        assert (await server.ask("hello")).status == 200
        assert (await server.ask("[[status=500]]")).status == 500
        assert (await server.ask("[[die=before_first]]")).status == 502
        await page.until("document.querySelector('#retired-rows').innerText.includes('Died')")
        await page.until("document.querySelector('.failures b').textContent >= '2'")
        await page.until(
            "[...document.querySelectorAll('.chart path.main')].every(path => path.getAttribute('d'))"
        )
        await page.until("document.querySelector('#f-memory').textContent.endsWith('MiB')")
        assert "environment variable POOL_SETTINGS__MAX_SIZE" in await page.text("#settings-rows")
        for dark in (False, True):
            for width in SIZES:
                await page.look(width, 900, dark=dark)
                assert await page.ask("document.documentElement.scrollWidth") == width
                picture = await page.picture(folder / f"{width}-{'dark' if dark else 'light'}.png")
                assert picture.startswith(PNG)
            await page.look(1280, 900, dark=dark)
            await check_accessibility(page)
            await check_cells(page, dark=dark)
        assert set(page.requested) == {url(server), url(server, "/pool/events")}
        assert page.wrong == []


@pytest.fixture
def reserved() -> Iterator[int]:
    """A port, for a server and for the next."""
    with reserve_port() as port:
        yield port


async def test_it_comes_back_after_a_restart(scratch: Scratch, reserved: int) -> None:
    command = [part if part != "0" else str(reserved) for part in SERVE.command()]
    async with open_page() as page:
        async with open_server(SERVE, scratch, command) as server:
            await page.open(url(server))
            await page.until(LIVE)
            assert (await server.ask("hello")).status == 200
            await page.until("document.querySelector('#f-acquired').textContent === '1'")
            server.send_signal(signal.SIGTERM)
            await server.wait()
        await page.until("document.querySelector('#status').dataset.is === 'lost'")
        assert await page.ask("!document.querySelector('#lost').hidden")
        assert "Not connected" in await page.text("#status")
        assert "What is shown is how it was." in await page.text("#lost")
        await page.until("document.querySelector('#say').textContent === 'Not connected to the server.'")
        async with open_server(SERVE, scratch, command):
            await page.until(LIVE)
            await page.until("document.querySelector('#f-acquired').textContent === '0'")
            assert await page.ask("document.querySelector('#lost').hidden")
            assert page.wrong == []


async def test_it_asks_for_a_key_and_keeps_it_to_itself(scratch: Scratch) -> None:
    key = new_key()
    (scratch.working / "ccproxy.toml").write_text(f'[server.keys.ada]\nhash = "{hash_key(key)}"\n')
    async with open_server(SERVE, scratch) as server, open_page() as page:
        await page.open(url(server, "/dashboard"))
        await page.until("!document.querySelector('#gate').hidden && document.activeElement.id === 'key'")
        assert await page.ask("document.querySelector('#board').hidden")
        await check_accessibility(page)
        for wrong, said in ((new_key(), "does not take"), ("schlüssel", "cannot be a key")):
            await page.type(wrong)
            await page.press("Enter", "\r", 13)
            await page.until(f"document.querySelector('#gate-why').textContent.includes('{said}')")
        await page.type(key)
        await page.press("Enter", "\r", 13)
        await page.until(LIVE)
        assert await page.ask(
            "document.querySelector('#gate').hidden && !document.querySelector('#board').hidden"
        )
        assert not await page.ask(f"document.documentElement.outerHTML.includes('{key}')")
        assert await page.ask("document.querySelector('#key').value") == ""
        assert key not in await page.ask("JSON.stringify({...localStorage}) + document.cookie")
        assert all(key not in asked for asked in page.requested)
        await page.open(url(server, "/dashboard"))  # The same tab goes on without asking.
        await page.until(LIVE)
        await page.ask("document.querySelector('#forget').click()")
        await page.until("!document.querySelector('#gate').hidden")
        assert await page.ask("sessionStorage.length") == 0
        await page.open(url(server, "/dashboard"))
        await page.until("!document.querySelector('#gate').hidden")
        assert page.wrong == []


async def test_without_a_mouse(scratch: Scratch) -> None:
    async with open_server(SERVE, scratch) as server, open_page() as page:
        await page.look(1280, 900, dark=False)
        await page.open(url(server))
        await page.until(LIVE)
        await page.ask("document.querySelector('details').open = true")
        wanted = await page.ask(f"{FOCUSABLE}.map({DESCRIBE})")
        assert len(wanted) > 8
        reached = []
        for _ in wanted:
            await page.press("Tab", "\t", 9)
            reached.append(await page.ask(f"{DESCRIBE}(document.activeElement)"))
            seen = "(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2)"
            assert await page.ask(f"{seen}(getComputedStyle({SEEN_FOCUS}))"), reached[-1]
        assert reached == wanted

        await page.ask("document.querySelector('#as-table').focus()")
        await page.press(" ", " ", 32)
        assert "Fresh" in await page.text("#cells-table")
        assert await page.ask("document.querySelector('#cells').hidden")
        assert await page.ask("document.querySelector('#as-table').getAttribute('aria-pressed')") == "true"
        await check_accessibility(page)

        await page.ask("document.querySelector('[name=theme]:checked').focus()")
        for theme in ("light", "dark"):
            await page.press("ArrowRight", "", 39)
            assert await page.ask("getComputedStyle(document.documentElement).colorScheme") == theme
        await page.open(url(server))
        assert await page.ask("document.documentElement.dataset.theme") == "dark"

        await page.until(LIVE)
        await page.ask("document.querySelector('#find').focus()")
        await page.type("max_si")
        assert (await page.text("#settings-rows")).split("\t")[0] == "pool_settings.max_size"
        assert await page.ask("document.querySelectorAll('#settings-rows tr').length") == 1
        assert page.wrong == []


async def test_who_wants_less_motion_sees_none(scratch: Scratch) -> None:
    async with open_server(SERVE, scratch) as server, open_page() as page:
        for reduced in (True, False):
            await page.look(800, 600, dark=False, reduced_motion=reduced)
            await page.open(url(server))
            await page.until(LIVE)
            await page.until("document.querySelector('#cells li[data-state]') !== null")
            # In one go, as it is over soon.
            mark = "document.querySelector('#cells li').classList.add('used')"
            assert (await page.ask(f"{mark}, document.getAnimations().length") == 0) == reduced


def grow(rng: random.Random, depth: int = 3) -> Any:
    if depth == 0 or rng.random() < 0.3:
        return rng.choice([0, 1, "x", True, [1, 2]])
    return {rng.choice("abc"): grow(rng, depth - 1) for _ in range(rng.randrange(4))}


def cut(rng: random.Random, text: str) -> Iterable[str]:
    while text:
        size = rng.randrange(1, 9)
        yield text[:size]
        text = text[size:]


async def test_its_script_reads_what_the_server_writes(scratch: Scratch) -> None:
    rng = random.Random(7)
    states = [{"a": grow(rng), "b": grow(rng)} for _ in range(200)]
    patches = [difference(before, after) for before, after in pairwise(states)]
    async with open_server(SERVE, scratch) as server, open_page() as page:
        await page.open(url(server))
        script = "((state, patches) => patches.map(patch => state = mergePatch(state, patch)))"
        assert await page.ask(f"{script}({json.dumps(states[0])}, {json.dumps(patches)})") == states[1:]
        read = """(pieces => {
            const told = [];
            const reader = new EventReader(event => told.push(event));
            pieces.forEach(piece => reader.feed(piece));
            return told;
        })"""
        for end in ("\n", "\r", "\r\n"):
            stream = "retry: 7\nid: 1\nevent: a\ndata: x\ndata:y\n\n: ping\n\nid: 2\ndata: {}\n\n".replace(
                "\n", end
            )
            told = await page.ask(f"{read}({json.dumps([*cut(rng, stream), ' '])})")
            assert told == [
                {"type": "a", "retry": 7, "id": "1", "data": "x\ny"},
                {"type": "message", "id": "2", "data": "{}"},
            ]
