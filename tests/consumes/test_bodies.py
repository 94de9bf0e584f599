"""Request bodies: every way to declare one, and the bytes it becomes."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.consumes.bodies import RawBody
from plan import compile_text, header, query_of, service


def post(*, method: str = "POST", given: dict[str, object] | None = None, **declared: object):
    plan = compile_text(service([{"name": "add", "method": method, **declared}]))
    return plan.request("shop.add", **(given or {}))


def body(name: str = "body", kind: str = "object") -> list[object]:
    return [{"name": name, "in": "body", "type": kind}]


@pytest.mark.parametrize(
    ("inputs", "given", "expected"),
    [
        (body(), {"body": {"a": 1}}, {"a": 1}),
        (body(), {"body": [1]}, [1]),
        (body(kind="string"), {"body": {"a": 1}}, {"a": 1}),
        (body(kind="object"), {"body": '{"a": 1}'}, {"a": 1}),
        (body("payload"), {"payload": {"a": 1}}, {"a": 1}),
        (body("parameters", "string"), {"parameters": {"a": 1}}, {"a": 1}),
        (body("parameters", "string"), {"parameters": '{"a": 1}'}, {"a": 1}),
        (body("parameters", "object"), {"parameters": {"a": 1}}, {"a": 1}),
        (body("data", "string"), {"data": "x"}, {"data": "x"}),
        (body("data", "string"), {"data": "{not json"}, {"data": "{not json"}),
        (body("count", "integer"), {"count": 3}, {"count": 3}),
        (body("a") + body("b"), {"a": {"x": 1}, "b": "y"}, {"a": {"x": 1}, "b": "y"}),
        (body("a") + body("b"), {"b": "y"}, {"b": "y"}),
        (body(), {"body": {"a": 1}, "more": 2}, {"a": 1, "more": 2}),
        ([], {"body": {"a": 1}}, {"a": 1}),
        ([], {"a": 1, "b": "x"}, {"a": 1, "b": "x"}),
    ],
    ids=[
        "body",
        "a list",
        "body typed string",
        "text of an object",
        "synonym",
        "one object under another name",
        "its text",
        "typed object",
        "one scalar",
        "scalar that only looks like JSON",
        "number",
        "several",
        "some of several",
        "fields beside a body",
        "nothing declared",
        "nothing declared, fields",
    ],
)
def test_body_inputs_become_json(inputs, given, expected):
    request = post(inputParameters=inputs, given=given)

    assert json.loads(request.body or b"") == expected
    assert header(request, "content-type") == "application/json"


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_without_a_value_no_body_is_sent(method):
    request = post(method=method, inputParameters=body())

    assert (request.body, header(request, "content-type")) == (None, None)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_declared_body_is_sent_with_any_method_that_is_given_one(method):
    assert json.loads(post(method=method, inputParameters=body(), given={"body": {"q": 1}}).body or b"") == {"q": 1}


def test_a_callers_bytes_travel_as_they_came():
    request = post(inputParameters=body(), given={"body": RawBody(b'{"a":  1e2}', "application/vnd.x+json")})

    assert (request.body, header(request, "content-type")) == (b'{"a":  1e2}', "application/vnd.x+json")


def test_a_raw_body_with_fields_beside_it_is_read():
    assert json.loads(post(given={"body": RawBody(b'{"a": 1}'), "b": 2}).body or b"") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("media", "value", "content"),
    [
        ("application/x-www-form-urlencoded", {"a": "x y", "b": [1, 2]}, b"a=x+y&b=1&b=2"),
        ("text/plain", {"text": "hi"}, b"hi"),
        ("application/xml", "<a/>", b"<a/>"),
        ("application/cbor", {"data": "raw"}, b"raw"),
    ],
)
def test_a_declared_content_type_decides_how_the_body_is_written(media, value, content):
    inputs = [*body(kind="any"), {"name": "Content-Type", "in": "header"}]
    request = post(inputParameters=inputs, given={"body": value, "Content-Type": media})

    assert (request.body, header(request, "content-type")) == (content, media)


def test_a_multipart_content_type_gets_its_boundary():
    inputs = [*body(), {"name": "Content-Type", "in": "header", "value": "multipart/form-data"}]
    request = post(inputParameters=inputs, given={"body": {"a": "1"}})

    boundary = (header(request, "content-type") or "").partition("boundary=")[2].encode()
    assert boundary
    assert (request.body or b"").startswith(b"--" + boundary)


def test_form_fields_are_url_encoded():
    inputs = [{"name": "a b", "in": "formData"}, {"name": "c", "in": "formData", "type": "array"}]
    request = post(inputParameters=inputs, given={"a b": "x&y", "c": ["1", "2"]})

    assert parse_qsl((request.body or b"").decode()) == [("a b", "x&y"), ("c", "1"), ("c", "2")]
    assert header(request, "content-type") == "application/x-www-form-urlencoded"


def test_a_file_makes_the_form_multipart():
    inputs = [{"name": "note", "in": "formData"}, {"name": "doc", "in": "formData", "type": "file"}]
    request = post(inputParameters=inputs, given={"note": "n", "doc": RawBody(b"text")})

    content = (request.body or b"").decode()
    assert 'name="note"\r\n\r\nn\r\n' in content
    assert 'name="doc"; filename="doc"\r\nContent-Type: application/octet-stream\r\n\r\ntext' in content


@pytest.mark.parametrize(
    ("declared", "given", "content", "media"),
    [
        ({"type": "json"}, {}, b"{}", "application/json"),
        ({"type": "json", "data": {}}, {"a": 1}, b'{"a":1}', "application/json"),
        ({"type": "json", "data": {"fixed": True}}, {"a": 1}, b'{"fixed":true}', "application/json"),
        ({"type": "json", "data": "{{tools.all}}"}, {"all": [1]}, b"[1]", "application/json"),
        (
            {"type": "json", "data": '{"n": {{n}}, "s": "{{s}}"}'},
            {"n": 1, "s": 'a"b'},
            b'{"n": 1, "s": "a\\"b"}',
            "application/json",
        ),
        ('{"n": {{n}}}', {}, b'{"n": null}', "application/json"),
        ({"type": "text", "data": "hi {{who}}"}, {"who": "<b>"}, b"hi <b>", "text/plain"),
        ({"type": "xml", "data": "<a>{{who}}</a>"}, {"who": "<b>&"}, b"<a>&lt;b&gt;&amp;</a>", "application/xml"),
        ({"type": "sparql", "data": {"query": "SELECT {{x}}"}}, {"x": "?y"}, b"SELECT ?y", "application/sparql-query"),
        (
            {"type": "formUrlEncoded", "data": {"a": "{{x}}", "b": "{{gone}}"}},
            {"x": "1&2"},
            b"a=1%262",
            "application/x-www-form-urlencoded",
        ),
        ({"type": "formUrlEncoded", "data": "a=1&b={{x}}"}, {"x": "2"}, b"a=1&b=2", "application/x-www-form-urlencoded"),
        ({"type": "application/cbor", "data": "{{x}}"}, {"x": "raw"}, b"raw", "application/cbor"),
    ],
    ids=[
        "json without data",
        "empty data",
        "static data",
        "whole template",
        "json text",
        "raw text, missing",
        "text",
        "xml",
        "one-key object",
        "form map",
        "form text",
        "media type",
    ],
)
def test_a_declared_body_is_rendered_for_its_type(declared, given, content, media):
    request = post(body=declared, given=given)

    assert (request.body, header(request, "content-type")) == (content, media)


def test_declared_parts_become_multipart():
    parts = [
        {"name": "meta", "value": "{{m}}"},
        {"name": 'f"', "value": "{{c}}", "filename": "a\r\nb.txt", "contentType": "text/csv"},
    ]
    content = (post(body={"type": "multipartForm", "data": parts}, given={"m": "x", "c": "1,2"}).body or b"").decode()

    assert 'name="meta"\r\n\r\nx' in content
    assert 'name="f%22"; filename="a%0D%0Ab.txt"\r\nContent-Type: text/csv\r\n\r\n1,2' in content


def test_a_declared_body_without_data_takes_its_declared_fields():
    inputs = [{"name": "a", "in": "body"}, {"name": "q", "in": "query"}]
    request = post(body={"type": "json"}, inputParameters=inputs, given={"a": 1, "q": "x"})

    assert (json.loads(request.body or b""), query_of(request)) == ({"a": 1}, [("q", "x")])


def test_an_unknown_body_type_is_said_and_read_as_json():
    plan = compile_text(service([{"name": "add", "method": "POST", "body": {"type": "jsn", "data": {"a": 1}}}]))

    assert plan.finding("W-BODY-TYPE").hint == "did you mean 'json'?"


def test_a_bound_variable_in_a_body_may_be_given_by_the_caller_instead():
    plan = compile_text(service([{"name": "add", "method": "POST", "body": {"type": "json", "data": {"k": "{{API_KEY}}"}}}]))

    assert json.loads(plan.request("shop.add", {"API_KEY": "bound"}).body or b"") == {"k": "bound"}
    assert json.loads(plan.request("shop.add", {"API_KEY": "bound"}, API_KEY="own").body or b"") == {"k": "own"}
    assert [(one.name, one.required) for one in plan.tool("add").flow.inputs] == [("API_KEY", False)]


def test_a_variable_that_is_called_one_is_nobodys_argument():
    plan = compile_text(
        service([{"name": "add", "method": "POST", "body": {"type": "json", "data": {"k": "{{env.API_KEY}}"}}}])
    )

    assert plan.tool("add").flow.inputs == ()
    binds = {"API_KEY": "bound", "env.API_KEY": "bound"}
    assert json.loads(plan.request("shop.add", binds, API_KEY="own").body or b"")["k"] == "bound"


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_value_leaves_its_place_in_json_or_xml(first, second):
    request = post(body={"type": "json", "data": '{"a": "{{x}}", "b": {"c": "{{y}}"}}'}, given={"x": first, "y": second})
    assert list(json.loads(request.body or b"")) == ["a", "b"]

    if first.isprintable():
        document = ElementTree.fromstring(
            post(body={"type": "xml", "data": '<a k="{{x}}">{{x}}</a>'}, given={"x": first}).body or b""
        )
        assert (document.text or "", document.get("k"), len(document)) == (first, first, 0)
