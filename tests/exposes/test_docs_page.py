"""The human page in a real browser, without any network but loopback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from webdriver import CHROMIUM, DRIVER, browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM.exists() and DRIVER.exists()), reason="there is no Chromium with its driver here"),
]

TEXT = """
naftiko: 1.0.0-alpha2
info: {label: 'Jobs <b>bold</b>', version: '2.1'}
binds: [{namespace: env, keys: {KEY: KEY}}]
capability:
  consumes:
  - type: http
    namespace: jobs
    baseUri: UPSTREAM
    resources:
    - name: jobs
      path: /jobs/{{id}}
      operations:
      - {name: get-job, method: GET, inputParameters: [{name: id, in: path}, {name: state, in: query}]}
      - {name: make-job, method: POST, inputParameters: [{name: id, in: path}, {name: title, in: body, required: true}]}
  exposes:
  - type: rest
    namespace: jobs-rest
    port: 8080
    description: All about jobs.
    AUTHENTICATION
    resources:
    - name: jobs
      path: /jobs/{id}
      operations:
      - name: get-job
        method: GET
        description: One job.
        inputParameters: [{name: state, in: query, type: string, enum: [RUNNING, DONE], description: How it is.}]
        call: jobs.get-job
        with: {id: rest.id, state: rest.state}
      - {name: make-job, method: POST, description: Make one., call: jobs.make-job, with: {id: rest.id, title: rest.title}}
"""
OPEN = TEXT.replace("    AUTHENTICATION\n", "")
GUARDED = TEXT.replace("AUTHENTICATION", "authentication: {type: bearer, token: '{{KEY}}'}")
SHOWN = "return document.querySelectorAll('details').length === 2"


async def test_operations_can_be_read_and_tried(serve_text, upstream, tmp_path):
    upstream.replies(json={"id": "a/b", "state": "DONE"})
    serving = await serve_text(OPEN, environment={"KEY": "open-sesame"})
    async with browser(tmp_path / "profile") as page:
        await page.open(f"{serving.urls['rest']}/docs")
        await page.until(SHOWN)

        assert await page.run("return document.querySelector('h1').textContent") == "Jobs <b>bold</b> 2.1"
        assert await page.run("return document.querySelectorAll('h1 b').length") == 0
        await page.unfold("details")
        await page.type("details[open] input[name=id]", "a/b")
        await page.run("document.querySelector('details[open] select').value = 'DONE'")
        await page.click("details[open] button")
        answer = await page.until("return document.querySelector('details[open] form + div pre')?.textContent")
        if picture := os.environ.get("NAFTIKO_TEST_PICTURE"):
            await page.picture(Path(picture))

        assert '"state": "DONE"' in answer
        assert upstream.request.target == "/jobs/a%2Fb?state=DONE"
        assert [line for line in await page.log() if "favicon" not in line] == []


async def test_a_body_is_offered_and_sent(serve_text, upstream, tmp_path):
    upstream.replies(json={"made": True})
    serving = await serve_text(OPEN, environment={"KEY": "open-sesame"})
    async with browser(tmp_path / "profile") as page:
        await page.open(f"{serving.urls['rest']}/docs")
        await page.until(SHOWN)
        await page.unfold("details:nth-of-type(2)")
        await page.type("details[open] input[name=id]", "1")
        await page.run("document.querySelector('details[open] textarea').value = '{\"title\": \"New\"}'")
        await page.click("details[open] button")
        await page.until("return document.querySelector('details[open] form + div pre')?.textContent")

    assert upstream.request.json() == {"title": "New"}


async def test_a_guarded_adapter_shows_itself_to_who_has_the_credential(serve_text, upstream, tmp_path):
    serving = await serve_text(GUARDED, environment={"KEY": "open-sesame"})
    async with browser(tmp_path / "profile") as page:
        await page.open(f"{serving.urls['rest']}/docs")
        await page.until("return document.querySelector('#state')?.textContent.includes('401')")
        await page.type("#header-value", "Bearer open-sesame")
        await page.click("#credentials button")

        assert await page.until(SHOWN)
