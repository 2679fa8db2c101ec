"""Headless Chromium, driven over the pipe of its DevTools protocol: https://chromedevtools.github.io/devtools-protocol.

A message is JSON and ends with a NUL; Chromium reads them from descriptor 3 and writes them to 4. That wants no port,
no web socket and no driver, and is trio's own all the way: every wait can be cancelled, and is bounded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from base64 import b64decode
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 30.0
"""Seconds that one wait may take before it counts as a hang."""
_NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    *("--remote-debugging-pipe", "--force-color-profile=srgb", "--lang=en"),
)


class Page:
    """A page that is open in the browser."""

    def __init__(self, sent: trio.lowlevel.FdStream) -> None:
        self.requested: list[str] = []
        """The URLs of all that it asked for."""
        self.wrong: list[str] = []
        """What was reported on its console as an error: exceptions, and breaches of its own policy."""
        self._session: dict[str, str] = {}
        self._stream = sent
        self._numbers = count(1)
        self._answers: dict[int, trio.MemorySendChannel[dict[str, Any]]] = {}

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have the browser do something to the page."""
        number = next(self._numbers)
        put, get = trio.open_memory_channel[dict[str, Any]](1)
        self._answers[number] = put
        message = {"id": number, "method": method, "params": parameters, **self._session}
        with trio.fail_after(PATIENCE):
            await self._stream.send_all(orjson.dumps(message) + b"\0")
            answer = await get.receive()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def take(self, message: dict[str, Any]) -> None:
        """Take in what the browser says about it."""
        if "id" in message:
            self._answers.pop(message["id"]).send_nowait(message)
            return
        told = message["params"]
        match message["method"]:
            case "Network.requestWillBeSent":
                self.requested.append(told["request"]["url"])
            case "Runtime.exceptionThrown":
                self.wrong.append(told["exceptionDetails"]["exception"].get("description", ""))
            case "Log.entryAdded" if told["entry"]["source"] not in ("network", "other"):
                self.wrong.append(told["entry"]["text"])

    async def attach(self) -> None:
        """Make the page, and have the browser tell of it."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session["sessionId"] = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")

    async def open(self, url: str) -> None:
        """Load a page."""
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && typeof feed !== 'undefined'")

    async def ask(self, expression: str) -> Any:
        """The value of an expression of JavaScript, awaited if it is a promise."""
        answer = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until it is true of the page; its value."""
        value = None
        with trio.move_on_after(PATIENCE):
            while not (value := await self.ask(expression)):  # noqa: ASYNC110 -- no event tells
                await trio.sleep(0.02)
        assert value, (expression, await self.ask("document.body.innerText"), self.wrong)
        return value

    async def text(self, selector: str) -> str:
        """The text of an element, as it is seen."""
        return str(await self.ask(f"document.querySelector({selector!r}).innerText"))

    async def press(self, key: str, text: str = "", code: int = 0, *, shift: bool = False) -> None:
        """Press a key."""
        told = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **told)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def look(self, width: int, height: int, *, dark: bool, reduced_motion: bool = True) -> None:
        """Have a window of this size, and a user who prefers this."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        preferred = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if reduced_motion else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in preferred.items()]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def picture(self, path: trio.Path, *, whole: bool = True) -> bytes:
        """Take a picture, and write it to a file."""
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        picture = b64decode(shot["data"])
        await path.write_bytes(picture)
        return picture


def find_browser() -> str:
    """Chromium's path. Without one the tests fail."""
    for name in _NAMES:
        if (path := shutil.which(name)) is not None:
            return path
    raise AssertionError(f"none of {', '.join(_NAMES)} is installed")


@asynccontextmanager
async def open_page() -> AsyncIterator[Page]:
    """A page in a browser of its own, with nothing kept from any other."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        script = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        command = ["/bin/bash", "-c", script, find_browser(), *_FLAGS, f"--user-data-dir={profile}"]
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out),
            start_new_session=True,
            env={"PATH": os.defpath, "HOME": profile, "LANG": "C.UTF-8"},
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            async with (
                trio.lowlevel.FdStream(ours_out) as sent,
                trio.lowlevel.FdStream(ours_in) as received,
                trio.open_nursery() as nursery,
            ):
                page = Page(sent)
                nursery.start_soon(_read, received, page)
                await page.attach()
                yield page
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                process.kill()
                await process.wait()


async def _read(stream: trio.lowlevel.FdStream, page: Page) -> None:
    rest = b""
    while chunk := await stream.receive_some(2**20):
        *messages, rest = (rest + bytes(chunk)).split(b"\0")
        for message in messages:
            page.take(orjson.loads(message))
