"""Importing a curl command: its address and what it sends are kept, its credentials are not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from naftiko_run.authoring.importers.document import Layout
from naftiko_run.authoring.importers.draft import Draft, ImportOptions
from naftiko_run.authoring.importers.run import import_text
from naftiko_run.errors import DocumentError


def read(command: str, **options: Any) -> Draft:
    return import_text("curl", command, ImportOptions(source="the command", **options), Layout()).draft


def text(command: str) -> str:
    return import_text("curl", command, ImportOptions(source="the command"), Layout()).text


def test_a_plain_command_is_a_get_with_its_query_as_defaults():
    draft = read("curl 'https://api.shop.test/v1/jobs?state=open&page=2' -H 'Accept: application/json'")

    operation = draft.operations[0]
    assert (draft.namespace, draft.base_uri, operation.method, operation.path) == (
        "shop-test", "https://api.shop.test", "GET", "/v1/jobs",
    )  # fmt: skip
    assert [(one.wire, one.place, one.default) for one in operation.inputs] == [
        ("state", "query", "open"),
        ("page", "query", "2"),
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-H 'Authorization: Bearer s3cret-1'", {"type": "bearer", "token": "{{SHOP_TEST_TOKEN}}"}),
        ("-u me:s3cret-1", {"type": "basic", "username": "{{SHOP_TEST_USERNAME}}", "password": "{{SHOP_TEST_PASSWORD}}"}),
        (
            "-H 'X-Api-Key: s3cret-1'",
            {"type": "apikey", "key": "X-Api-Key", "value": "{{SHOP_TEST_API_KEY}}", "placement": "header"},
        ),
    ],
    ids=["bearer", "basic", "key"],
)  # fmt: skip
def test_a_credential_becomes_a_variable_and_is_never_written(words, expected):
    command = f"curl https://shop.test/x {words}"

    assert read(command).authentication == expected
    assert "s3cret" not in text(command)


async def test_a_json_body_is_sent_as_in_the_command(serve_text, upstream):
    command = f"""curl -X PUT {upstream.url}/things/1 -H 'X-Mode: fast' \\
      -H 'Content-Type: application/json' --data-raw '{{"name": "a", "size": 3, "more": {{"x": [1]}}}}'"""
    serving = await serve_text(text(command))
    upstream.replies(json={})

    await serving.data("put-things-1", size=4)

    assert (upstream.request.method, upstream.request.target) == ("PUT", "/things/1")
    assert upstream.request.json() == {"name": "a", "size": 4, "more": {"x": [1]}}
    assert upstream.request.header("X-Mode") == "fast"


async def test_a_form_is_sent_as_in_the_command(serve_text, upstream):
    serving = await serve_text(text(f"curl {upstream.url}/login -d user=ada -d remember=1"))
    upstream.replies(json={})

    await serving.data("post-login")

    assert upstream.request.body == b"user=ada&remember=1"


def test_data_of_a_get_is_query():
    assert [one.place for one in read("curl -G https://shop.test/x -d a=1").operations[0].inputs] == ["query"]


def test_secrets_in_a_body_have_no_default():
    inputs = read("""curl https://shop.test/x --json '{"password": "hunter22", "name": "n"}'""").operations[0].inputs

    assert [(one.wire, one.default, one.required) for one in inputs] == [("password", None, True), ("name", "n", False)]


@pytest.mark.parametrize("command", ["wget x", "curl", "curl -I https://x.test", "curl 'https://x.test"])
def test_what_is_no_usable_command_is_one_sentence(command):
    with pytest.raises(DocumentError) as caught:
        read(command)

    assert caught.value.code == "E-IMPORT-CURL"


COLLECTION = {
    "info": {"name": "My Shop"},
    "auth": {"type": "apikey", "apikey": [{"key": "key", "value": "X-K"}, {"key": "value", "value": "s3cret"}]},
    "variable": [{"key": "base", "value": "UPSTREAM"}],
    "item": [{"name": "Jobs", "item": [
        {"name": "Find job", "request": {
            "method": "GET", "header": [{"key": "X-K", "value": "s3cret"}, {"key": "X-Mode", "value": "m"}],
            "url": {"raw": "{{base}}/v1/jobs/:id?deep=1", "query": [{"key": "deep", "value": "1"}]}}},
        {"name": "Add job", "request": {
            "method": "POST", "url": "{{base}}/v1/jobs",
            "body": {"mode": "raw", "raw": '{"name": "{{name}}", "size": {{size}}}'}}},
        {"name": "Login", "request": {
            "method": "POST", "url": "{{base}}/login",
            "body": {"mode": "urlencoded", "urlencoded": [{"key": "user", "value": "u"}]}}},
    ]}],
}  # fmt: skip


async def test_a_postman_collection_is_served(serve_text, upstream):
    source = json.dumps(COLLECTION).replace("UPSTREAM", upstream.url)
    written = import_text("postman", source, ImportOptions(source="shop.json"), Layout()).text
    serving = await serve_text(written, environment={"MY_SHOP_API_KEY": "k-1"})
    upstream.replies(json={})

    await serving.data("find-job", id="7", deep="2")
    found = upstream.request
    await serving.data("add-job", name="n", size=3)

    assert (found.target, found.header("X-K")) == ("/v1/jobs/7?deep=2", "k-1")
    assert upstream.request.json() == {"name": "n", "size": 3}
    assert "s3cret" not in written


def test_something_else_is_no_collection():
    with pytest.raises(DocumentError) as caught:
        import_text("postman", "{}", ImportOptions(source="x"), Layout())

    assert caught.value.code == "E-IMPORT-POSTMAN"
