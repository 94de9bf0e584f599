"""Consumed authentication: every shape that published documents write, and the request each one makes of it."""

from __future__ import annotations

import pytest

from naftiko_run.consumes.authentication import AUTH_SCHEMES, Authentication, compile_authentication
from naftiko_run.consumes.messages import Origin, UpstreamRequest
from naftiko_run.document.reader import read_text
from naftiko_run.errors import BindingError, MalformedRequest, OperationUnavailable, Problems
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import Scope
from naftiko_run.redaction import Redactor

NAMES = Names(binds=frozenset({"X", "U", "P"}), bind_namespaces=frozenset({"env"}))
SCOPE = Scope(binds={"X": "s3cr3t", "env.X": "s3cr3t", "U": "ann", "P": "pa:ss"})


def compiled(block: str) -> tuple[Authentication | None, Problems]:
    problems = Problems()
    node = read_text(f"authentication: {block}\n", file="cap.yaml").get("authentication")
    return compile_authentication(node, NAMES, problems, namespace="acme"), problems


def declared(block: str) -> Authentication:
    authentication, problems = compiled(block)
    assert authentication is not None
    assert problems.errors == []
    return authentication


def request(**fields: object) -> UpstreamRequest:
    origin = Origin(scheme="https", host="api.acme.test", port=443)
    return UpstreamRequest(**{"method": "GET", "origin": origin, "target": "/a", **fields})


def sent(block: str, **fields: object) -> UpstreamRequest:
    made = request(**fields)
    declared(block).bind(SCOPE).apply(made)
    return made


@pytest.mark.parametrize(
    ("block", "headers"),
    [
        ("{type: bearer, token: '{{env.X}}'}", [("Authorization", "Bearer s3cr3t")]),
        ("{type: bearer, token: '{{X}}'}", [("Authorization", "Bearer s3cr3t")]),
        ("{type: Bearer, token: 'Bearer {{env.X}}'}", [("Authorization", "Bearer s3cr3t")]),
        ("{type: bearer, token: 'bearer {{env.X}}'}", [("Authorization", "bearer s3cr3t")]),
        ("{type: bearer, value: '{{env.X}}', placement: header}", [("Authorization", "Bearer s3cr3t")]),
        ("{type: bearer, value: '{{env.X}}'}", [("Authorization", "Bearer s3cr3t")]),
        ("{type: http, scheme: bearer, token: '{{env.X}}'}", [("Authorization", "Bearer s3cr3t")]),
        ("{type: oauth2, token: '{{env.X}}'}", [("Authorization", "Bearer s3cr3t")]),
        ("{type: apikey, key: X-API-Key, value: '{{env.X}}', placement: header}", [("X-API-Key", "s3cr3t")]),
        ("{type: apikey, key: X-API-Key, value: '{{env.X}}'}", [("X-API-Key", "s3cr3t")]),
        ("{type: apikey, in: header, name: X-API-Key, value: '{{env.X}}'}", [("X-API-Key", "s3cr3t")]),
        ("{type: apikey, header: X-H, key: '{{X}}'}", [("X-H", "s3cr3t")]),
        ("{type: apikey, name: X-H, key: '{{X}}'}", [("X-H", "s3cr3t")]),
        ("{type: apiKey, header: X-H, token: '{{X}}'}", [("X-H", "s3cr3t")]),
        ("{type: apiKey, in: header, name: X-H, token: '{{X}}'}", [("X-H", "s3cr3t")]),
        ("{type: apikey, headers: {DD-API-KEY: '{{X}}', DD-APP: '{{U}}'}}", [("DD-API-KEY", "s3cr3t"), ("DD-APP", "ann")]),
        ("{type: apikey, in: header, headers: {A: '{{X}}'}}", [("A", "s3cr3t")]),
        ("{type: apikey, headers: [{key: A, value: '{{X}}'}, {key: B, value: '{{U}}'}]}", [("A", "s3cr3t"), ("B", "ann")]),
        ("{type: apikey, key: Authorization, value: 'Token {{X}}'}", [("Authorization", "Token s3cr3t")]),
        ("{type: apikey, key: Authorization, value: 'Galaxy {{U}}:{{X}}'}", [("Authorization", "Galaxy ann:s3cr3t")]),
        ("{type: header, header: X-Auth-Token, value: '{{X}}'}", [("X-Auth-Token", "s3cr3t")]),
        ("{type: basic, username: '{{U}}', password: '{{P}}'}", [("Authorization", "Basic YW5uOnBhOnNz")]),
        ("{type: basic, username: '{{U}}', password: ''}", [("Authorization", "Basic YW5uOg==")]),
        ("{type: basic, username: '{{U}}'}", [("Authorization", "Basic YW5uOg==")]),
        ("{type: basic, username: jürgen, password: x}", [("Authorization", "Basic asO8cmdlbjp4")]),
        ("{type: http, scheme: basic, username: a, password: b}", [("Authorization", "Basic YTpi")]),
        ("{type: apikey, key: JSESSIONID, value: '{{X}}', placement: cookie}", [("Cookie", "JSESSIONID=s3cr3t")]),
        ("{type: apikey, key: JSESSIONID, value: 'JSESSIONID={{X}}', placement: cookie}", [("Cookie", "JSESSIONID=s3cr3t")]),
    ],
)
def test_a_credential_in_a_header(block: str, headers: list[tuple[str, str]]):
    assert sent(block).headers == headers


@pytest.mark.parametrize(
    ("block", "target"),
    [
        ("{type: apikey, key: api_key, value: '{{X}}', placement: query}", "/a?api_key=s3cr3t"),
        ("{type: apikey, in: query, name: 'k[]', value: 'a b&{{X}}'}", "/a?k%5B%5D=a+b%26s3cr3t"),
        (
            "{type: query, parameters: [{name: client_id, value: '{{U}}'}, {name: s, value: '{{X}}'}]}",
            "/a?client_id=ann&s=s3cr3t",
        ),
        ("{type: query, parameters: {client_id: '{{U}}'}}", "/a?client_id=ann"),
        ("{type: query, name: k, value: '{{X}}'}", "/a?k=s3cr3t"),
    ],
)
def test_a_credential_in_the_query(block: str, target: str):
    assert sent(block).target == target
    assert sent(block, target="/a?b=1").target == target.replace("?", "?b=1&")


def test_configured_authentication_wins_over_what_the_request_carries():
    bearer = sent("{type: bearer, token: '{{X}}'}", headers=[("authorization", "Bearer other"), ("A", "1")])
    query = sent("{type: apikey, key: api_key, value: '{{X}}', placement: query}", target="/a?api%5Fkey=other&b=1&api_key=2")
    cookie = sent("{type: apikey, key: s, value: '{{X}}', in: cookie}", headers=[("Cookie", "t=1; s=other")])

    assert bearer.headers == [("A", "1"), ("Authorization", "Bearer s3cr3t")]
    assert query.target == "/a?b=1&api_key=s3cr3t"
    assert cookie.headers == [("Cookie", "t=1; s=s3cr3t")]


@pytest.mark.parametrize(
    ("body", "media_type", "expected"),
    [
        (None, "", b'{"key":"s3cr3t"}'),
        (b'{"n": 12345678901234567890123, "key": 1}', "application/json", b'{"n":12345678901234567890123,"key":"s3cr3t"}'),
        (b"a=1&key=2", "application/x-www-form-urlencoded", b"a=1&key=s3cr3t"),
    ],
)
def test_a_credential_in_the_body(body: bytes | None, media_type: str, expected: bytes):
    headers = [("Content-Type", media_type)] if media_type else []

    made = sent("{type: apikey, in: body, name: key, value: '{{X}}'}", method="POST", body=body, headers=headers)

    assert made.body == expected
    assert made.headers == [("Content-Type", media_type or "application/json")]


def test_a_body_that_is_no_object_cannot_take_the_credential():
    with pytest.raises(OperationUnavailable, match="goes into a JSON object"):
        sent(
            "{type: apikey, placement: body, key: k, value: '{{X}}'}",
            body=b"[1]",
            headers=[("Content-Type", "application/json")],
        )


def test_a_credential_in_the_path_fills_the_variable_of_its_name():
    authentication = declared("{type: apikey, key: token, value: '{{X}}', placement: path}")

    assert authentication.path_names == {"token"}
    assert authentication.bind(SCOPE).path_values == {"token": "s3cr3t"}


@pytest.mark.parametrize(
    ("block", "headers", "query"),
    [
        ("{type: bearer, token: '{{X}}'}", {"authorization"}, set()),
        ("{type: apikey, key: X-API-Key, value: '{{X}}'}", {"x-api-key"}, set()),
        ("{type: apikey, key: K, value: '{{X}}', placement: query}", set(), {"K"}),
        ("{type: apikey, headers: {A: '{{X}}', B: b}}", {"a", "b"}, set()),
    ],
)
def test_an_authentication_says_which_names_it_owns(block: str, headers: set[str], query: set[str]):
    authentication = declared(block)

    assert (authentication.header_names, authentication.query_names) == (headers, query)


@pytest.mark.parametrize("block", ["{type: none}", "{type: noAuth}"])
def test_no_authentication_can_be_said(block: str):
    assert compiled(block)[0] is None


def test_an_absent_block_is_no_authentication():
    assert compile_authentication(None, NAMES, Problems(), namespace="acme") is None


@pytest.mark.parametrize(
    ("block", "code", "said"),
    [
        ("{type: hmac, apiId: a, apiKey: b}", "E-AUTH-UNSUPPORTED", "hmac signatures differ from vendor to vendor"),
        ("{type: sigv4, key: Authorization, value: 'AK:SK'}", "E-AUTH-UNSUPPORTED", "an AWS signature cannot be computed"),
        ("{type: ntlm, username: a}", "E-AUTH-UNSUPPORTED", "ntlm authenticates connections"),
        ("{type: berer, token: x}", "E-AUTH-UNSUPPORTED", "unknown authentication type 'berer'"),
        ("{type: http, scheme: hoba}", "E-AUTH-UNSUPPORTED", "authentication scheme 'hoba'"),
        ("{type: oauth1, consumerKey: a}", "E-AUTH-UNSUPPORTED", "an OAuth 1 signature cannot be computed"),
        (
            "{type: oauth2, grantType: authorization_code, tokenEndpoint: 'https://a.test/t'}",
            "E-AUTH-UNSUPPORTED",
            "needs a person",
        ),
        ("{type: apikey, key: K, value: v, placement: matrix}", "E-AUTH-UNSUPPORTED", "cannot be placed in 'matrix'"),
        ("{token: x}", "E-AUTH-INCOMPLETE", "authentication has no type"),
        ("{type: bearer}", "E-AUTH-INCOMPLETE", "authentication lacks 'token'"),
        ("{type: apikey, value: v}", "E-AUTH-INCOMPLETE", "the API key lacks the name"),
        ("{type: apikey, key: K}", "E-AUTH-INCOMPLETE", "the API key lacks its value"),
        ("{type: apikey, headers: {}}", "E-AUTH-INCOMPLETE", "authentication names no header"),
        ("{type: query, parameters: []}", "E-AUTH-INCOMPLETE", "authentication names no query parameter"),
        ("{type: oauth2, clientId: a}", "E-AUTH-INCOMPLETE", "authentication lacks 'tokenEndpoint'"),
        ("{type: digest, username: a}", "E-AUTH-INCOMPLETE", "authentication lacks 'password'"),
        ("{type: certificate}", "E-AUTH-INCOMPLETE", "authentication lacks 'certPath'"),
        ("{type: apikey, key: 'X Y', value: v}", "E-AUTH-HEADER", "'X Y' is no header that can be set"),
        ("{type: header, header: Host, value: v}", "E-AUTH-HEADER", "'Host' is no header that can be set"),
    ],
)
def test_what_cannot_be_served_is_said_at_load_and_refused_at_the_call(block: str, code: str, said: str):
    authentication, problems = compiled(block)

    assert [f.code for f in problems.errors] == [code]
    assert said in problems.errors[0].message
    assert problems.errors[0].hint
    assert authentication is not None and authentication.unsupported is problems.errors[0]
    with pytest.raises(OperationUnavailable) as caught:
        authentication.bind(SCOPE)
    assert caught.value.code == code


def test_a_fixed_aws_signature_is_warned_about_and_sent_as_written():
    authentication, problems = compiled("{type: apikey, key: Authorization, value: 'AWS4-HMAC-SHA256 Credential={{X}}'}")
    made = request()
    assert authentication is not None
    authentication.bind(SCOPE).apply(made)

    assert [f.code for f in problems.findings] == ["W-AUTH-AWS"]
    assert made.headers == [("Authorization", "AWS4-HMAC-SHA256 Credential=s3cr3t")]


def test_an_empty_token_is_warned_about_and_not_sent():
    authentication, problems = compiled("{type: bearer, token: ''}")
    made = request()
    assert authentication is not None
    authentication.bind(SCOPE).apply(made)

    assert [f.code for f in problems.findings] == ["W-AUTH-EMPTY"]
    assert made.headers == []


def test_every_variable_without_a_value_is_named_and_no_value_is():
    authentication = declared("{type: basic, username: '{{env.FACTSET_USER}}', password: 'x{{X}}{{env.FACTSET_PASS}}'}")

    with pytest.raises(OperationUnavailable) as caught:
        authentication.bind(SCOPE)

    assert caught.value.code == "E-SECRET-MISSING"
    assert caught.value.message == "namespace 'acme' needs 'FACTSET_USER', 'FACTSET_PASS' for its basic authentication"
    assert "s3cr3t" not in str(caught.value)


def test_references_tell_what_is_used_and_whether_a_caller_takes_part():
    fixed = declared("{type: bearer, token: '{{env.X}}'}")
    per_call = declared("{type: bearer, token: '{{tools.user_token}}'}")

    assert [r.name for r in fixed.references] == ["X"]
    assert (fixed.per_call, per_call.per_call) == (False, True)


def test_a_callers_part_that_no_header_can_carry_is_the_callers_fault():
    authentication = declared("{type: bearer, token: '{{tools.user_token}}'}")

    with pytest.raises(MalformedRequest):
        authentication.bind(Scope(inputs={"user_token": "a\r\nX: y"}))


def test_what_callers_bring_is_not_kept_for_hiding():
    redactor = Redactor()
    declared("{type: bearer, token: '{{tools.user_token}}'}").bind(
        Scope(inputs={"user_token": "callers-own"}), redactor=redactor
    )

    assert redactor.clean("callers-own") == "callers-own"


def test_a_caller_cannot_stand_in_for_a_bound_variable():
    made = request()
    declared("{type: bearer, token: '{{X}}'}").bind(Scope(inputs={"X": "forged"}, binds={"X": "s3cr3t"})).apply(made)

    assert made.headers == [("Authorization", "Bearer s3cr3t")]


@pytest.mark.parametrize("value", ["line\nbreak", "carriage\r", "nul\0", "schlüssel"])
def test_a_value_that_no_header_can_carry_is_refused_by_the_header_name(value: str):
    with pytest.raises(BindingError) as caught:
        declared("{type: apikey, key: X-K, value: '{{X}}'}").bind(Scope(binds={"X": value}))

    assert caught.value.message == "the value bound to header 'X-K' cannot travel in a header"


def test_bound_and_literal_secrets_are_hidden_from_what_is_written():
    redactor = Redactor()
    declared("{type: basic, username: '{{U}}', password: literal-word}").bind(SCOPE, redactor=redactor)
    authentication = declared("{type: bearer, token: 'Bearer {{X}}'}")
    authenticator = authentication.bind(SCOPE, redactor=redactor)

    assert redactor.clean("ann literal-word s3cr3t") == "ann *** ***"
    assert "s3cr3t" not in repr(authenticator) + repr(authentication)


def test_a_literal_secret_does_not_show_in_the_plan():
    assert "literal-word" not in repr(declared("{type: bearer, token: literal-word}"))


def test_every_published_word_is_registered():
    published = {
        "bearer",
        "apikey",
        "basic",
        "digest",
        "oauth2",
        "header",
        "query",
        "oauth1",
        "hmac",
        "aws-sig-v4",
        "sigv4",
        "certificate",
    }

    assert published <= set(AUTH_SCHEMES)
