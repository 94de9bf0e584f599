"""Authentication of callers: what a document may declare, what is refused at load, and that nothing is left open by mistake."""

from __future__ import annotations

import pytest

from naftiko_run.document.reader import read_text
from naftiko_run.errors import BindingError, Problems, SpecError
from naftiko_run.exposes.authentication import CALLER_AUTH, CallerAuth, compile_caller_auth
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import Scope
from naftiko_run.redaction import Redactor


def compiled(block: str) -> tuple[CallerAuth | None, Problems]:
    problems = Problems()
    node = read_text(f"authentication: {block}\n", file="cap.yaml").get("authentication")
    return compile_caller_auth(node, Names(), problems), problems


def test_no_block_means_open():
    assert compile_caller_auth(None, Names(), Problems()) is None


@pytest.mark.parametrize(
    ("block", "code", "said"),
    [
        ("{token: x}", "E-AUTH-INCOMPLETE", "authentication has no type"),
        ("[bearer]", "E-AUTH-INCOMPLETE", "authentication has no type"),
        ("bearer", "E-AUTH-INCOMPLETE", "authentication has no type"),
        ("{type: saml}", "E-AUTH-UNSUPPORTED", "unknown caller authentication type 'saml'"),
        ("{type: none}", "E-AUTH-UNSUPPORTED", "unknown caller authentication type 'none'"),
        ("{type: bearer}", "E-AUTH-INCOMPLETE", "authentication lacks 'token'"),
        ("{type: bearer, token: ''}", "E-SECRET-EMPTY", "the expected token is empty"),
        ("{type: bearer, token: '  '}", "E-SECRET-EMPTY", "the expected token is empty"),
        ("{type: apikey, key: X-K}", "E-AUTH-INCOMPLETE", "the API key lacks its value"),
        ("{type: apikey, value: v}", "E-AUTH-INCOMPLETE", "'' cannot name an API key"),
        ("{type: apikey, key: 'X K', value: v}", "E-AUTH-INCOMPLETE", "'X K' cannot name an API key"),
        ("{type: apikey, key: K, value: ''}", "E-SECRET-EMPTY", "the expected value is empty"),
        ("{type: apikey, key: K, value: v, placement: body}", "E-AUTH-INCOMPLETE", "cannot be placed in 'body'"),
        ("{type: basic, username: a}", "E-AUTH-INCOMPLETE", "authentication lacks 'password'"),
        ("{type: basic, username: a, password: ''}", "E-SECRET-EMPTY", "the expected password is empty"),
        ("{type: digest, username: '', password: b}", "E-SECRET-EMPTY", "the expected username is empty"),
        ("{type: digest, username: a, password: b, algorithm: SHA1}", "E-AUTH-INCOMPLETE", "digest algorithm 'SHA1'"),
        ("{type: oauth2, resource: 'https://r.test'}", "E-AUTH-INCOMPLETE", "authentication lacks 'authorizationServerUri'"),
        ("{type: oauth2, authorizationServerUri: 'https://a.test'}", "E-AUTH-INCOMPLETE", "authentication lacks 'resource'"),
        (
            "{type: oauth2, authorizationServerUri: 'https://a.test', resource: 'https://r.test', tokenValidation: hope}",
            "E-AUTH-INCOMPLETE",
            "tokens cannot be validated by 'hope'",
        ),
        (
            "{type: oauth2, issuer: 'https://a.test', resource: 'https://r.test', tokenValidation: introspection}",
            "E-AUTH-INCOMPLETE",
            "authentication lacks 'clientId'",
        ),
    ],
)
def test_a_block_that_cannot_be_used_is_an_error_and_never_binds(block: str, code: str, said: str):
    declared, problems = compiled(block)

    assert [f.code for f in problems.errors] == [code]
    assert said in problems.errors[0].message
    assert declared is not None
    with pytest.raises(SpecError) as caught:
        declared.bind(Scope(binds={"X": "x"}))
    assert caught.value.code == code


BLOCKS = [
    "{type: bearer, token: '{{VAR}}'}",
    "{type: apikey, key: K, value: '{{VAR}}'}",
    "{type: basic, username: ann, password: '{{env.VAR}}'}",
    "{type: digest, username: ann, password: '{{VAR}}'}",
    "{type: basic, username: '{{VAR}}', password: pw}",
]


@pytest.mark.parametrize("block", BLOCKS)
def test_an_unresolved_secret_is_a_load_error_that_names_it(block: str):
    declared, _ = compiled(block)
    assert declared is not None

    with pytest.raises(BindingError) as caught:
        declared.bind(Scope(binds={"OTHER": "x"}))

    assert caught.value.code == "E-SECRET-MISSING"
    assert "'VAR'" in caught.value.message


@pytest.mark.parametrize("value", ["", " ", "\n"])
@pytest.mark.parametrize("block", BLOCKS)
def test_an_empty_secret_is_a_load_error(block: str, value: str):
    declared, _ = compiled(block)
    assert declared is not None

    with pytest.raises(BindingError) as caught:
        declared.bind(Scope(binds={"VAR": value}))

    assert caught.value.code == "E-SECRET-EMPTY"


@pytest.mark.parametrize("uri", ["http://login.test", "ftp://login.test", "login.test", "https://u:p@login.test"])
def test_an_authorization_server_is_reached_over_https(uri: str):
    declared, _ = compiled(f"{{type: oauth2, authorizationServerUri: '{uri}', resource: 'https://r.test'}}")
    assert declared is not None

    with pytest.raises(BindingError):
        declared.bind(Scope())


def test_expected_secrets_are_hidden_from_what_is_written():
    redactor = Redactor()
    declared, _ = compiled("{type: basic, username: ann-of-old, password: literal-word}")
    assert declared is not None
    guard = declared.bind(Scope(), redactor=redactor)

    assert redactor.clean("ann-of-old literal-word") == "ann-of-old ***"
    assert "literal-word" not in repr(declared) + repr(guard)


def test_every_kind_of_the_language_is_registered():
    assert {"bearer", "apikey", "basic", "digest", "oauth2"} <= set(CALLER_AUTH)
