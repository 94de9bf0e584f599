"""REST operations from the document to the wire: inputs by place, type and pattern; binary answers and their contract."""

from __future__ import annotations

import pytest

from naftiko_run.limits import MIB

INPUTS = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - type: http
    namespace: harbour
    baseUri: UPSTREAM
    resources:
    - name: ships
      path: /ships
      operations:
      - name: find
        method: POST
        inputParameters:
        - {name: flag, in: query}
        - {name: length, in: query}
        - {name: session, in: query}
        - {name: agent, in: query}
        - {name: armed, in: query}
        - {name: berth, in: query}
        - {name: fixed, in: query}
        - {name: owner, in: query}
  exposes:
  - type: rest
    namespace: port-api
    port: 8080
    resources:
    - path: /ships/{flag}
      inputParameters:
      - {name: flag, in: path, type: string, description: Flag., pattern: '^[A-Z]{2}$'}
      operations:
      - name: find
        method: POST
        call: harbour.find
        inputParameters:
        - {name: length, in: query, type: integer, description: Metres., minimum: 1, maximum: 400, required: false}
        - {name: session, in: cookie, type: string, description: Session., required: false}
        - {name: agent, in: header, type: string, description: Agent., required: false}
        - {name: armed, in: query, type: boolean, description: Armed?, required: false}
        - {name: berth, in: body, type: string, description: Berth., enum: [north, south], required: false}
        - {name: owner, in: body, type: string, description: Owner., value: $.papers.owner, required: false}
        - {name: fixed, in: query, type: string, description: Fixed., value: always}
"""


@pytest.fixture
async def serving(serve_text, upstream):
    upstream.replies(json={})
    return await serve_text(INPUTS)


async def test_inputs_are_read_from_their_places(serving, upstream):
    await serving.rest(
        "POST",
        "/ships/NL?length=90&armed=false&fixed=never",
        json={"berth": "north", "papers": {"owner": "Ada"}},
        headers={"Cookie": "x=1; session=s%201", "Agent": "Bo"},
    )

    seen = dict(pair.split("=") for pair in upstream.request.query.split("&"))
    assert seen == {
        "flag": "NL",
        "length": "90",
        "session": "s+1",
        "agent": "Bo",
        "armed": "false",
        "berth": "north",
        "owner": "Ada",
        "fixed": "always",
    }


async def test_every_wrong_input_is_named_at_once(serving, upstream):
    answer = await serving.rest("POST", "/ships/nld?length=long&armed=perhaps", json={"berth": "west"})

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [(e["name"], e["in"]) for e in answer.json()["errors"]] == [
        ("flag", "path"),
        ("length", "query"),
        ("armed", "query"),
        ("berth", "body"),
    ]
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("length", "message"), [("0", "must be at least 1"), ("401", "must be at most 400"), ("1.5", "must be an integer")]
)
async def test_a_number_keeps_its_bounds(serving, length, message):
    answer = await serving.rest("POST", f"/ships/NL?length={length}")

    assert answer.json()["errors"] == [{"name": "length", "in": "query", "message": message}]


async def test_a_broken_body_is_a_bad_request(serving):
    answer = await serving.rest("POST", "/ships/NL", content=b'{"berth":', headers={"Content-Type": "application/json"})

    assert answer.status_code == 400


async def test_a_method_that_is_not_declared_is_not_allowed(serving):
    answer = await serving.rest("GET", "/ships/NL")

    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


# ---- binary

BINARY = """
ikanos: 1.0.0-beta5
capability:
  consumes:
  - type: http
    namespace: archive
    baseUri: UPSTREAM
    resources:
      files:
        path: /file
        operations:
          plain: {method: GET, outputRawFormat: binary}
          typed: {method: GET, outputRawFormat: binary, outputMediaType: image/webp}
          small: {method: GET, outputRawFormat: binary, maxBinarySize: 10B}
          large: {method: GET, outputRawFormat: binary, maxBinarySize: 2KiB}
  aggregates:
  - namespace: views
    display: Views
    flows:
      view: {description: A view., call: archive.plain, outputMediaType: image/png}
  exposes:
  - type: rest
    namespace: files-api
    port: 8080
    maxBinarySize: 1KiB
    resources:
      files:
        path: /files
        operations:
          plain: {method: GET, call: archive.plain}
      typed: {path: /typed, operations: {typed: {method: GET, call: archive.typed, responseBinary: {mediaType: image/gif}}}}
      small: {path: /small, operations: {small: {method: GET, call: archive.small}}}
      large: {path: /large, operations: {large: {method: GET, call: archive.large}}}
      steps: {path: /steps, operations: {steps: {method: GET, steps: {one: {type: call, call: archive.plain}}}}}
      view: {path: /view, operations: {view: {method: GET, ref: views.view}}}
      short:
        path: /short
        operations:
          short: {method: GET, call: archive.plain, responseBinary: {mediaType: image/gif, description: A view.}}
      contract:
        path: /contract
        operations:
          contract:
            method: GET
            call: archive.plain
            responses:
              '200':
                description: A file.
                content: {application/json: {schema: {type: object}}, application/pdf: {binary: true}}
  - type: mcp
    namespace: files-tools
    port: 9090
    maxBinarySize: 1KiB
    tools:
      plain: {description: A file., call: archive.plain}
      typed: {description: A file., call: archive.typed}
      small: {description: A file., call: archive.small}
    resources:
      file: {display: File, uri: 'file://x', description: A file., call: archive.plain}
      text: {display: Text, uri: 'text://x', description: As bytes., mimeType: text/plain, binary: true, call: archive.plain}
"""


@pytest.fixture
async def files(serve_text):
    return await serve_text(BINARY)


PNG = b"\x89PNG\r\n\x00\xff"


@pytest.mark.parametrize(
    ("target", "media_type"),
    [
        ("/files", "image/x-up"),
        ("/typed", "image/webp"),
        ("/short", "image/gif"),
        ("/contract", "application/pdf"),
        ("/steps", "image/x-up"),
        ("/view", "image/png"),
    ],
    ids=["the upstream's", "the operation's", "the shorthand's", "the contract's", "through a step", "the aggregate's"],
)
async def test_bytes_travel_untouched_with_the_media_type_that_is_declared(files, upstream, target, media_type):
    upstream.replies(body=PNG, headers={"Content-Type": "image/x-up"})

    answer = await files.rest("GET", target)

    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, media_type)


async def test_bytes_without_any_media_type_are_just_bytes(files, upstream):
    upstream.replies(body=PNG)

    assert (await files.rest("GET", "/files")).headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("target", "size", "status"),
    [
        ("/files", 1024, 200),
        ("/files", 1025, 502),
        ("/small", 10, 200),
        ("/small", 11, 502),
        ("/large", 2048, 200),
        ("/large", 2049, 502),
    ],
)
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_the_operations_size_comes_before_the_adapters(files, upstream, target, size, status, framing):
    upstream.replies(body=b"x" * size, framing=framing)

    assert (await files.rest("GET", target)).status_code == status


async def test_without_any_size_the_limit_is_ten_mebibytes(serve_text, upstream):
    serving = await serve_text(BINARY.replace("    maxBinarySize: 1KiB\n", ""))
    upstream.replies(body=b"x" * (10 * MIB + 1))

    assert (await serving.rest("GET", "/files")).status_code == 502


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/png", "image"), ("audio/ogg", "audio"), ("application/pdf", "resource")],
)
async def test_a_tool_gives_bytes_as_the_block_of_their_kind(files, upstream, media_type, kind):
    upstream.replies(body=PNG, headers={"Content-Type": media_type})

    (block,) = (await files.tool("plain"))["content"]

    assert block["type"] == kind
    shown = block["resource"] if kind == "resource" else block
    assert (shown["mimeType"], shown["blob" if kind == "resource" else "data"]) == (media_type, "iVBORw0KAP8=")


async def test_a_tools_bytes_have_the_declared_type_and_keep_the_limit(files, upstream):
    upstream.replies(body=PNG, headers={"Content-Type": "application/pdf"})
    (block,) = (await files.tool("typed"))["content"]
    upstream.replies(body=b"x" * 11)
    upstream.replies(body=b"x" * 11)
    await files.tool("plain")

    assert (block["type"], block["mimeType"]) == ("image", "image/webp")
    assert (await files.tool("small"))["isError"]


@pytest.mark.parametrize(("uri", "media_type"), [("file://x", "image/x-up"), ("text://x", "text/plain")])
async def test_a_resource_gives_bytes_as_a_blob(files, upstream, uri, media_type):
    upstream.replies(body=PNG, headers={"Content-Type": "image/x-up"})

    (content,) = (await files.rpc("resources/read", uri=uri))["result"]["contents"]

    assert content == {"uri": uri, "mimeType": media_type, "blob": "iVBORw0KAP8="}
