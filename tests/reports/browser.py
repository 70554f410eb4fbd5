"""A real headless Chromium, driven over its debugging pipe: no package, no port.

Chrome DevTools Protocol over ``--remote-debugging-pipe``: the browser reads JSON messages that end with a
zero byte from file descriptor 3, and writes to 4.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium to load the page")
WAIT_SECONDS = 120.0


class Page:
    """One page of the browser."""

    def __init__(self, send_to: int, read_from: int) -> None:
        self._out, self._in = send_to, read_from
        self._rest = b""
        self._last = 0
        self._session = ""
        self.said: list[str] = []
        """What the page wrote to the console, and errors that it did not catch."""
        self._loaded: set[str] = set()
        """Documents whose load event has fired, by the id of their loader."""

    def start(self) -> None:
        """Attach to a page of its own and hear what it says."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def call(self, method: str, **params: Any) -> Any:
        """Ask the browser for something and wait for its answer."""
        self._last += 1
        asked: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._out, json.dumps(asked).encode() + b"\0")
        while True:
            told = self._message()
            if told.get("id") == self._last:
                assert "error" not in told, told
                return told["result"]

    def open(self, path: Path, fragment: str = "") -> None:
        """Load a file and wait until it has loaded: not the page before, which may still tell of itself."""
        for url in ("about:blank", path.as_uri() + fragment):  # a fragment alone would load nothing
            loader = self.call("Page.navigate", url=url)["loaderId"]
            while loader not in self._loaded:
                self._message()

    def js(self, expression: str) -> Any:
        """The value of an expression on the page."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def accessible(self, wanted: set[str]) -> list[Any]:
        """What a screen reader is told, once it holds these roles: the browser works it out by and by."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            nodes = [n for n in self.call("Accessibility.getFullAXTree")["nodes"] if not n.get("ignored")]
            roles = {n["role"]["value"] for n in nodes}
            missing = wanted - roles - ({"image"} if "img" in roles else set())  # its name in older browsers
            if not missing:
                return nodes
            assert time.monotonic() < until, f"nothing on the page is a {', '.join(sorted(missing))}"
            time.sleep(0.05)

    def width(self, pixels: int, height: int = 900) -> None:
        """Make the window so wide, as a phone does."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=pixels,
            height=height,
            deviceScaleFactor=1,
            mobile=pixels < 600,
        )

    def colours(self, scheme: str) -> None:
        """``light`` or ``dark``."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key: str) -> None:
        """Press one key: Tab, Enter, or a letter."""
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        text = {"Enter": "\r", "Tab": ""}.get(key, key)
        stated = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper())), "text": text}
        stated["code"] = {" ": "Space"}.get(key, key)
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **stated)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{**stated, "text": ""})

    def pdf(self) -> bytes:
        """The page as it prints."""
        told = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(told["data"])

    def picture(self, **options: Any) -> bytes:
        """The page as it looks, PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", **options)["data"])

    def _message(self) -> Any:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], WAIT_SECONDS)
            assert ready, "the browser does not answer"
            read = os.read(self._in, 1 << 16)
            assert read, "the browser has gone"
            self._rest += read
        head, _, self._rest = self._rest.partition(b"\0")
        told = json.loads(head)
        match told.get("method"):
            case "Runtime.consoleAPICalled":
                self.said.append(str([a.get("value") for a in told["params"]["args"]]))
            case "Runtime.exceptionThrown":
                self.said.append(str(told["params"]["exceptionDetails"]))
            case "Log.entryAdded":
                self.said.append(str(told["params"]["entry"]["text"]))
            case "Page.lifecycleEvent" if told["params"]["name"] == "load":
                self._loaded.add(told["params"]["loaderId"])
        return told


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser with one page; it ends with the block."""
    assert CHROMIUM is not None
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    # The shell puts the two pipes where Chromium looks for them.
    command = f'exec "$0" "$@" 3<&{to_read} 4>&{from_write}'
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--remote-debugging-pipe",
             "--force-color-profile=srgb", f"--user-data-dir={folder / 'profile'}")  # fmt: skip
    with subprocess.Popen(
        ["bash", "-c", command, CHROMIUM, *flags],
        pass_fds=(to_read, from_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(to_read)
        os.close(from_write)
        page = Page(to_write, from_read)
        try:
            page.start()
            yield page
        finally:
            process.terminate()
            os.close(to_write)
            os.close(from_read)
