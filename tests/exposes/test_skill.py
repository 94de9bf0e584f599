"""The skill catalogue over a real socket: what it lists, what it gives out, and what it never does."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from naftiko_run.capability import load
from naftiko_run.errors import DocumentErrors
from naftiko_run.limits import DEFAULT_LIMITS

CAPABILITY = """
ikanos: 1.0.0-beta5
capability:
  consumes:
  - {type: http, namespace: up, baseUri: UPSTREAM, resources: {ships: {path: /ships, operations: {list-ships: {method: GET}}}}}
  exposes:
  - type: rest
    namespace: port-api
    port: 8080
    resources: {ships: {path: /ships, operations: {list-ships: {method: GET, call: up.list-ships}}}}
  - type: mcp
    namespace: port-tools
    port: 9090
    tools: {find-ship: {description: Find., call: up.list-ships}}
  - type: skill
    namespace: harbour-skills
    port: 8088
    description: What a pilot can do.
    skills:
      berthing:
        description: Bring a ship to its berth.
        license: Apache-2.0
        compatibility: any agent
        allowed-tools: find-ship list-ships
        argument-hint: '[ship]'
        user-invocable: false
        disable-model-invocation: true
        metadata: {owner: harbour office, level: 2}
        location: file:///./berthing
        tools:
          look: {description: Find the ship., from: {sourceNamespace: port-tools, action: find-ship}}
          list: {description: List ships., from: {sourceNamespace: port-api, action: list-ships}}
          tides: {description: Mind the tide., instruction: guides/tides.md}
      lookout:
        description: Watch.
"""


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "berthing"
    (folder / "guides").mkdir(parents=True)
    (folder / "SKILL.md").write_text("# Berthing\n")
    (folder / "guides" / "tides.md").write_text("High water first.\n")
    (folder / "chart.png").write_bytes(b"\x89PNG\r\n")
    return folder


@pytest.fixture
async def serving(serve_text, files):
    return await serve_text(CAPABILITY)


async def ask(serving, target: str, method: str = "GET"):
    return await serving.rest(method, target, at="skill")


async def test_the_catalogue_names_every_skill(serving):
    assert (await ask(serving, "/skills")).json() == {
        "count": 2,
        "skills": [
            {
                "name": "berthing",
                "description": "Bring a ship to its berth.",
                "license": "Apache-2.0",
                "tools": ["look", "list", "tides"],
            },
            {"name": "lookout", "description": "Watch.", "tools": []},
        ],
    }


async def test_a_skill_says_what_its_tools_stand_for(serving):
    assert (await ask(serving, "/skills/berthing")).json() == {
        "name": "berthing",
        "description": "Bring a ship to its berth.",
        "license": "Apache-2.0",
        "compatibility": "any agent",
        "allowed-tools": "find-ship list-ships",
        "argument-hint": "[ship]",
        "user-invocable": False,
        "disable-model-invocation": True,
        "metadata": {"owner": "harbour office", "level": "2"},
        "tools": [
            {
                "name": "look",
                "description": "Find the ship.",
                "type": "derived",
                "invocationRef": {"targetNamespace": "port-tools", "action": "find-ship", "mode": "mcp"},
            },
            {
                "name": "list",
                "description": "List ships.",
                "type": "derived",
                "invocationRef": {"targetNamespace": "port-api", "action": "list-ships", "mode": "rest"},
            },
            {"name": "tides", "description": "Mind the tide.", "type": "instruction", "instruction": "guides/tides.md"},
        ],
    }


async def test_what_is_not_declared_is_not_shown(serving):
    assert (await ask(serving, "/skills/lookout")).json() == {"name": "lookout", "description": "Watch.", "tools": []}


async def test_contents_lists_files_with_size_and_type(serving):
    assert (await ask(serving, "/skills/berthing/contents")).json() == {
        "name": "berthing",
        "files": [
            {"path": "SKILL.md", "size": 11, "type": "text/markdown"},
            {"path": "chart.png", "size": 6, "type": "image/png"},
            {"path": "guides/tides.md", "size": 18, "type": "text/markdown"},
        ],
    }


async def test_a_file_is_given_with_its_type(serving):
    text = await ask(serving, "/skills/berthing/contents/guides/tides.md")
    image = await ask(serving, "/skills/berthing/contents/chart.png")

    assert (text.text, text.headers["content-type"]) == ("High water first.\n", "text/markdown")
    assert (image.content, image.headers["content-type"]) == (b"\x89PNG\r\n", "image/png")


async def test_the_archive_holds_every_file_and_is_the_same_each_time(serving):
    first, second = await ask(serving, "/skills/berthing/download"), await ask(serving, "/skills/berthing/download")

    assert first.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(first.content)) as archive:
        assert archive.namelist() == ["SKILL.md", "chart.png", "guides/tides.md"]
        assert archive.read("SKILL.md") == b"# Berthing\n"
    assert first.content == second.content


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/skills/nobody",
        "/skills/lookout/contents",
        "/skills/lookout/download",
        "/skills/lookout/contents/SKILL.md",
        "/skills/berthing/contents/none.md",
        "/skills/berthing/contents/guides",
        "/skills/berthing/other",
    ],
)
async def test_what_there_is_not_is_not_found(serving, target):
    answer = await ask(serving, target)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_the_catalogue_is_read_only(serving):
    answer = await ask(serving, "/skills", "POST")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert (await ask(serving, "/skills", "HEAD")).status_code == 200


# ---- leaving the directory


async def raw(url: str, target: str) -> int:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


@pytest.mark.parametrize(
    "path",
    [
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "guides/%2e%2e/%2e%2e/secret.txt",
        "a%00b",
        "a%5cb",
        "%2fetc%2fpasswd",
        "a%20b",
        ".",
    ],
)
async def test_an_unsafe_path_is_refused(serving, files, path):
    (files.parent / "secret.txt").write_text("secret")

    assert await raw(serving.urls["skill"], f"/skills/berthing/contents/{path}") == 400


async def test_links_are_neither_listed_nor_read_nor_packed(serving, files):
    secret = files.parent / "secret.txt"
    secret.write_text("secret")
    (files / "link.txt").symlink_to(secret)
    (files / "inside.md").symlink_to(files / "SKILL.md")
    (files / "up").symlink_to(files.parent)
    os.mkfifo(files / "pipe")

    listed = [one["path"] for one in (await ask(serving, "/skills/berthing/contents")).json()["files"]]
    with zipfile.ZipFile(io.BytesIO((await ask(serving, "/skills/berthing/download")).content)) as archive:
        packed = archive.namelist()

    assert listed == packed == ["SKILL.md", "chart.png", "guides/tides.md"]
    for path in ("link.txt", "inside.md", "up/secret.txt", "pipe"):
        assert (await ask(serving, f"/skills/berthing/contents/{path}")).status_code == 404


@pytest.mark.parametrize(
    "location", ["file:///./../outside", "file://./berthing/../../outside", "file:///./way-out", "https://elsewhere.test/x"]
)
def test_a_relative_location_stays_beside_the_file(tmp_path, files, location):
    (tmp_path.parent / "outside").mkdir(exist_ok=True)
    (tmp_path / "way-out").symlink_to(tmp_path.parent / "outside")

    codes = [f.code for f in findings(tmp_path, CAPABILITY.replace("file:///./berthing", location))]

    assert codes[0] in ("E-LOCATION-OUTSIDE", "E-LOCATION")


# ---- limits


async def test_a_file_over_the_limit_is_refused_and_so_is_an_archive_without_it(serve_text, files):
    (files / "large.bin").write_bytes(b"x" * 2000)
    serving = await serve_text(CAPABILITY, limits=replace(DEFAULT_LIMITS, skill_file=1000))

    assert (await ask(serving, "/skills/berthing/contents/large.bin")).status_code == 413
    assert (await ask(serving, "/skills/berthing/download")).status_code == 413
    assert (await ask(serving, "/skills/berthing/contents/SKILL.md")).status_code == 200


@pytest.mark.parametrize("limit", [{"skill_archive": 20}, {"skill_entries": 2}], ids=["bytes", "entries"])
async def test_an_archive_over_a_limit_is_refused(serve_text, files, limit):
    serving = await serve_text(CAPABILITY, limits=replace(DEFAULT_LIMITS, **limit))

    assert (await ask(serving, "/skills/berthing/download")).status_code == 413
    assert (await ask(serving, "/skills/berthing/contents")).status_code == 200


# ---- callers


async def test_a_protected_catalogue_asks_for_the_credential(serve_text, files):
    text = CAPABILITY.replace("port: 8088", "port: 8088\n    authentication: {type: bearer, token: '{{PILOT}}'}")
    text = text.replace("capability:", "binds:\n- {namespace: k, keys: {PILOT: PILOT}}\ncapability:", 1)
    serving = await serve_text(text, environment={"PILOT": "aboard"})

    assert (await ask(serving, "/skills")).status_code == 401
    assert (await serving.rest("GET", "/skills", at="skill", headers={"Authorization": "Bearer aboard"})).status_code == 200


# ---- load


def findings(tmp_path, text: str):
    file = tmp_path / "capability.yaml"
    file.write_text(text.replace("UPSTREAM", "https://up.test"))
    try:
        return load(file).findings
    except DocumentErrors as error:
        return error.findings


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("sourceNamespace: port-tools", "sourceNamespace: port-tool", "E-SKILL-SOURCE"),
        ("sourceNamespace: port-tools", "sourceNamespace: harbour-skills", "E-SKILL-SOURCE"),
        ("action: find-ship", "action: find-ships", "W-SKILL-ACTION"),
        ("instruction: guides/tides.md", "instruction: guides/tide.md", "W-SKILL-INSTRUCTION"),
        ("instruction: guides/tides.md", "color: red", "E-SKILL-TOOL"),
        ("location: file:///./berthing", "", "E-SKILL-LOCATION"),
        ("file:///./berthing", "file:///./nowhere", "W-LOCATION-MISSING"),
        ("compatibility: any agent", f"compatibility: {'x' * 501}", "W-SKILL-LENGTH"),
        ("Bring a ship to its berth.", "x" * 1025, "W-SKILL-LENGTH"),
    ],
    ids=[
        "unknown sibling",
        "itself",
        "unknown action",
        "unknown file",
        "neither",
        "no location",
        "no directory",
        "long note",
        "long text",
    ],
)
def test_a_mistake_in_a_skill_is_said_at_load(tmp_path, files, old, new, code):
    assert code in [f.code for f in findings(tmp_path, CAPABILITY.replace(old, new))]


def test_a_right_skill_has_nothing_said_about_it(tmp_path, files):
    assert [f for f in findings(tmp_path, CAPABILITY) if f.code != "W-BIND-UNUSED"] == []
