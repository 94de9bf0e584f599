"""A real Chromium through its driver, spoken to in WebDriver (W3C): just enough for one page."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    def __init__(self, client: httpx2.AsyncClient, session: str) -> None:
        self._client, self._session = client, session

    async def _do(self, method: str, path: str, body: object = None) -> Any:
        answer = await self._client.request(
            method, f"{self._session}{path}", json={} if body is None and method == "POST" else body
        )
        value = answer.json()["value"]
        assert answer.status_code == 200, value
        return value

    async def open(self, url: str) -> None:
        await self._do("POST", "/url", {"url": url})

    async def run(self, script: str, *arguments: object) -> Any:
        return await self._do("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    async def until(self, script: str) -> Any:
        """What ``script`` returns as soon as that is something."""
        async with asyncio.timeout(15):
            while not (found := await self.run(script)):
                await asyncio.sleep(0.05)
        return found

    async def click(self, css: str) -> None:
        await self._do("POST", f"/element/{await self._find(css)}/click")

    async def unfold(self, css: str) -> None:
        """Click a ``details`` open; a click that met a page still moving is made again."""
        is_open = "return document.querySelector(arguments[0]).open"
        async with asyncio.timeout(15):
            while not await self.run(is_open, css):
                await self.click(f"{css} summary")
                for _ in range(20):
                    if await self.run(is_open, css):
                        break
                    await asyncio.sleep(0.05)

    async def type(self, css: str, text: str) -> None:
        await self._do("POST", f"/element/{await self._find(css)}/value", {"text": text})

    async def _find(self, css: str) -> str:
        return str((await self._do("POST", "/element", {"using": "css selector", "value": css}))[_ELEMENT])

    async def log(self) -> list[str]:
        """What the browser complained about."""
        return [entry["message"] for entry in await self._do("POST", "/se/log", {"type": "browser"})]

    async def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(await self._do("GET", "/screenshot")))


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Browser]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = asyncio.subprocess.DEVNULL
    driver = await asyncio.create_subprocess_exec(str(DRIVER), f"--port={port}", stdout=quiet, stderr=quiet)
    options = {
        "binary": str(CHROMIUM),
        "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1000,1200", f"--user-data-dir={folder}"],
    }
    wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    base = f"http://127.0.0.1:{port}"
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
            await _ready(client, base)
            answer = await client.post(f"{base}/session", json={"capabilities": {"alwaysMatch": wanted}})
            assert answer.status_code == 200, answer.text
            session = f"{base}/session/{answer.json()['value']['sessionId']}"
            try:
                yield Browser(client, session)
            finally:
                await client.delete(session)
    finally:
        driver.terminate()
        await driver.wait()


async def _ready(client: httpx2.AsyncClient, base: str) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                if (await client.get(f"{base}/status")).json()["value"]["ready"]:
                    return
            except (httpx2.HTTPError, ValueError):
                pass
            await asyncio.sleep(0.05)
