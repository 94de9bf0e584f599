"""The short way to write a request against the general one: byte for byte the same, or none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.consumes.auth_schemes.placed import InHeaders, InQuery
from naftiko_run.consumes.client import HttpClient
from naftiko_run.consumes.messages import Origin, UpstreamRequest
from naftiko_run.consumes.operation import Target
from naftiko_run.consumes.request_head import RequestHead
from naftiko_run.consumes.request_writer import compile_writer
from naftiko_run.errors import MalformedRequest
from plan import compile_text, service

OPERATIONS = """
- name: find
  method: GET
  path: /shelves/{shelf}/books?sort=name
  inputParameters:
  - {name: shelf, in: path}
  - {name: q, in: query}
  - {name: 'ids[]', in: query, type: array}
  - {name: X-Note, in: header}
- {name: list, method: GET}
- {name: add, method: POST, inputParameters: [{name: title, in: body}]}
- {name: fixed, method: GET, inputParameters: [{name: kind, in: query, value: book}]}
"""
TARGET = Target(
    origin=Origin(scheme="https", host="books.test", port=443),
    prefix="/v1",
    query=(("tenant", "a b"),),
    headers=(("X-Tenant", "7"), ("Authorization", "replaced")),
)
CREDENTIAL = InHeaders({"Authorization": "Bearer t0k"})
NAMES = st.sampled_from(["shelf", "q", "ids[]", "extra", "deep"])
VALUES = st.one_of(st.text(max_size=8), st.integers(), st.none(), st.booleans(), st.lists(st.text(max_size=4), max_size=3))


@pytest.fixture(scope="module")
def operations():
    return {operation.name: operation for operation in compile_text(service(OPERATIONS)).capability.operations}


def written(write) -> object:
    try:
        return write()
    except MalformedRequest as error:
        return error.message


def general(operation, arguments) -> UpstreamRequest:
    request = operation.request(arguments, TARGET, {})
    CREDENTIAL.apply(request)
    return request


@given(arguments=st.dictionaries(NAMES, VALUES), name=st.sampled_from(["find", "list"]))
@settings(max_examples=300)
def test_both_ways_write_the_same_request(operations, arguments, name):
    writer = compile_writer(operations[name], TARGET, {}, CREDENTIAL)

    assert writer is not None
    assert written(lambda: writer.request(arguments)) == written(lambda: general(operations[name], arguments))


def test_a_given_header_takes_the_general_way(operations):
    writer = compile_writer(operations["find"], TARGET, {}, CREDENTIAL)

    assert writer is not None
    assert writer.request({"shelf": "a", "X-Note": "hello"}) is None


@pytest.mark.parametrize("name", ["add", "fixed"])
def test_what_has_more_than_path_and_query_has_no_short_way(operations, name):
    assert compile_writer(operations[name], TARGET, {}, CREDENTIAL) is None


def test_a_credential_in_the_query_has_no_short_way(operations):
    assert compile_writer(operations["list"], TARGET, {}, InQuery({"key": "k"})) is None


async def test_a_block_and_a_line_are_the_head_that_is_written_otherwise(operations):
    head = RequestHead("agent/1")
    request = general(operations["find"], {"shelf": "a/b", "q": "ü"})

    assert head.line(request) + head.block(request) == head.encode(request, head.fields(request))
    assert HttpClient("books", on_send=lambda request, attempt: None).block(request) == b""


@pytest.mark.parametrize("target", ["books", "/a b", "/a\tb", "/a\r\nX: 1", "/ü", "/\x7f"])
def test_a_line_is_refused_like_a_head(operations, target):
    head = RequestHead("agent/1")
    request = general(operations["list"], {})
    request.target = target

    whole = written(lambda: head.encode(request, head.fields(request)))

    assert isinstance(whole, str)
    assert written(lambda: head.line(request)) == whole
