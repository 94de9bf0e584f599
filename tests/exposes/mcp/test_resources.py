"""Resources: files of a directory and answers of flows, by URI."""

from __future__ import annotations

import base64
import os

import pytest

from naftiko_run.errors import UpstreamTimeout, UpstreamUnreachable
from naftiko_run.exposes.exposure import McpExposure, McpResource
from naftiko_run.limits import Limits

NOT_FOUND = {True: -32602, False: -32002}


@pytest.fixture
def docs(tmp_path):
    """A directory with files, and with everything that must not be given out."""
    root = tmp_path / "docs"
    (root / "api" / "v1").mkdir(parents=True)
    (root / "guide.md").write_text("# Guide \u00e9\n")
    (root / "api" / "v1" / "openapi.yaml").write_text("openapi: 3.1.0\n")
    (root / "logo.png").write_bytes(b"\x89PNG")
    (root / "odd.txt").write_bytes(b"\xff\xfe")
    (root / ".hidden").write_text("dot files are files")
    (root / "with space.txt").write_text("cannot be named in a URI")
    (tmp_path / "secret.txt").write_text("outside")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "inside.txt").symlink_to(root / "guide.md")
    (root / "up").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    return root


@pytest.fixture(params=[True, False], ids=["modern", "legacy"])
def files(request, serve, caller, docs):
    resource = McpResource(name="docs", title="Docs", uri="docs://training", description="Texts.", directory=str(docs))
    return caller(serve(McpExposure(namespace="docs", resources=(resource,)), limits=Limits(response_body=1000)), request.param)


async def test_the_files_of_a_directory_are_listed_with_their_types(files):
    listed = (await files.result("resources/list"))["resources"]

    assert [(one["uri"], one["mimeType"]) for one in listed] == [
        ("docs://training/.hidden", "application/octet-stream"),
        ("docs://training/api/v1/openapi.yaml", "application/yaml"),
        ("docs://training/guide.md", "text/markdown"),
        ("docs://training/logo.png", "image/png"),
        ("docs://training/odd.txt", "text/plain"),
    ]
    assert listed[0]["title"] == "Docs"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("guide.md", {"mimeType": "text/markdown", "text": "# Guide \u00e9\n"}),
        ("api/v1/openapi.yaml", {"mimeType": "application/yaml", "text": "openapi: 3.1.0\n"}),
        ("logo.png", {"mimeType": "image/png", "blob": base64.b64encode(b"\x89PNG").decode()}),
        ("odd.txt", {"mimeType": "text/plain", "blob": base64.b64encode(b"\xff\xfe").decode()}),
    ],
)
async def test_a_file_is_read(files, path, content):
    result = await files.result("resources/read", {"uri": f"docs://training/{path}"})

    assert result["contents"] == [{"uri": f"docs://training/{path}", **content}]


@pytest.mark.parametrize(
    "path",
    [
        "", "missing.md", "api", "api/", "api/v1", "../secret.txt", "api/../guide.md", "./guide.md", "..", ".", "/etc/passwd",
        "%2e%2e/secret.txt", "link.txt", "inside.txt", "up/secret.txt", "pipe", "with space.txt", "with%20space.txt",
        "guide.md/", "guide.md/x", "guide.md\u0000", "..\\secret.txt", "api//v1/openapi.yaml", "~", "guide.md?x",
    ],
)  # fmt: skip
async def test_what_is_not_a_plain_file_below_the_directory_is_not_found(files, path):
    error = await files.error("resources/read", {"uri": f"docs://training/{path}"})

    assert error["code"] == NOT_FOUND[files.modern]


async def test_a_file_beyond_the_limit_is_refused(files, docs):
    (docs / "large.txt").write_text("x" * 1001)

    error = await files.error("resources/read", {"uri": "docs://training/large.txt"})

    assert error["code"] == -32603
    assert "larger than 1000 bytes" in error["message"]


async def test_a_directory_that_is_not_there_is_empty(serve, caller):
    resource = McpResource(name="docs", uri="docs://x", directory="/nonexistent/directory")

    mcp = caller(serve(McpExposure(namespace="docs", resources=(resource,))), modern=True)

    assert (await mcp.result("resources/list"))["resources"] == []


# ---- flows


async def test_a_resource_with_a_fixed_uri_is_listed_and_read(mcp):
    listed = (await mcp.result("resources/list"))["resources"]
    read = await mcp.result("resources/read", {"uri": "training://rates"})

    assert [one["uri"] for one in listed] == ["training://rates"]
    assert read["contents"] == [{"uri": "training://rates", "mimeType": "application/json", "text": '{"hour": 2.5}'}]
    if mcp.modern:
        assert (read["ttlMs"], read["cacheScope"]) == (5000, "public")


async def test_a_template_is_listed_apart_and_its_places_become_inputs(mcp, upstream):
    templates = (await mcp.result("resources/templates/list"))["resourceTemplates"]

    await mcp.result("resources/read", {"uri": "training://jobs/a%20b/log"})

    assert [one["uriTemplate"] for one in templates] == ["training://jobs/{job_id}/{part}"]
    assert upstream.calls[0][1] == {"job_id": "a%20b", "part": "log"}


async def test_a_value_that_the_flow_refuses_is_a_wrong_parameter(mcp, upstream):
    error = await mcp.error("resources/read", {"uri": "training://jobs/7/else"})

    assert error["code"] == -32602
    assert "part: must be one of log, config" in error["message"]
    assert upstream.calls == []


@pytest.mark.parametrize("uri", ["training://jobs/7", "training://jobs/7/log/x", "training://jobs//log", "training://rates/"])
async def test_a_uri_that_nothing_matches_is_not_found(mcp, uri):
    error = await mcp.error("resources/read", {"uri": uri})

    assert (error["code"], error["data"]) == (NOT_FOUND[mcp.modern], {"uri": uri})


@pytest.mark.parametrize("error", [UpstreamUnreachable("rates: nobody answers"), UpstreamTimeout("rates: too slow")], ids=str)
async def test_a_failed_read_is_an_error_and_never_content(mcp, upstream, error):
    upstream.fails("rates", error)

    answer = await mcp.error("resources/read", {"uri": "training://rates"})

    assert answer["code"] == -32603
    assert error.message in answer["message"]


@pytest.mark.parametrize(("status", "code"), [(404, None), (410, None), (500, -32603), (403, -32603)])
async def test_an_error_status_is_an_error_and_never_content(mcp, upstream, status, code):
    upstream.replies("rates", status=status, body=b'{"error": "no"}')

    answer = await mcp.error("resources/read", {"uri": "training://rates"})

    assert answer["code"] == (code or NOT_FOUND[mcp.modern])


async def test_binary_answers_are_blobs_and_a_declared_type_wins(serve, caller, upstream, exposure):
    upstream.replies("rates", body=b"\x00\x01", media_type="image/png", binary=True)
    mcp = caller(serve(exposure), modern=True)

    contents = (await mcp.result("resources/read", {"uri": "training://rates"}))["contents"]

    assert contents == [{"uri": "training://rates", "mimeType": "image/png", "blob": "AAE="}]


# ---- completion


@pytest.mark.parametrize(
    ("name", "typed", "values"),
    [("part", "", ["log", "config"]), ("part", "L", ["log"]), ("part", "x", []), ("job_id", "", []), ("other", "", [])],
)
async def test_known_values_of_a_place_are_completed(mcp, name, typed, values):
    reference = {"type": "ref/resource", "uri": "training://jobs/{job_id}/{part}"}

    result = await mcp.result("completion/complete", {"ref": reference, "argument": {"name": name, "value": typed}})

    assert result["completion"] == {"values": values, "total": len(values), "hasMore": False}


async def test_prompt_arguments_have_no_known_values(mcp):
    params = {"ref": {"type": "ref/prompt", "name": "summary"}, "argument": {"name": "job", "value": ""}}

    assert (await mcp.result("completion/complete", params))["completion"]["values"] == []
