"""AWS Signature Version 4 against the figures that AWS publishes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from naftiko_run.consumes.auth_schemes.aws import AwsSignature
from naftiko_run.consumes.authentication import compile_authentication
from naftiko_run.consumes.messages import Origin, UpstreamRequest
from naftiko_run.document.reader import read_text
from naftiko_run.errors import Problems
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import Scope

SUITE = {"access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "region": "us-east-1"}
DOCS = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "region": "us-east-1"}
FORM = ("Content-Type", "application/x-www-form-urlencoded")


def signature(made: UpstreamRequest, day: str, **settings: str) -> str:
    moment = datetime.strptime(day, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    AwsSignature(**settings, now=lambda: moment).apply(made)
    return dict(made.headers)["Authorization"].rpartition("Signature=")[2]


def request(host: str, target: str, method: str = "GET", **fields: object) -> UpstreamRequest:
    return UpstreamRequest(method=method, origin=Origin(scheme="https", host=host, port=443), target=target, **fields)


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "expected"),
    [
        ("GET", "/", [], None, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", [], None, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "/?Param2=value2&Param1=value1", [], None, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        ("POST", "/", [FORM], b"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
        ("GET", "/example/..", [], None, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "//", [], None, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "/./", [], None, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ],
    ids=["get", "post", "query-order", "form", "relative", "slashes", "dot"],
)
def test_the_published_suite(method: str, target: str, headers: list[tuple[str, str]], body: bytes | None, expected: str):
    made = request("example.amazonaws.com", target, method, headers=list(headers), body=body)

    assert signature(made, "20150830T123600Z", service="service", **SUITE) == expected


def test_the_documented_list_users_call():
    made = request(
        "iam.amazonaws.com", "/?Action=ListUsers&Version=2010-05-08", headers=[("Content-Type", f"{FORM[1]}; charset=utf-8")]
    )

    found = signature(made, "20150830T123600Z", service="iam", **SUITE)

    assert found == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_the_documented_s3_calls(target: str, expected: str):
    made = request("examplebucket.s3.amazonaws.com", target)

    assert signature(made, "20130524T000000Z", service="s3", **DOCS) == expected


def test_a_path_is_encoded_once_more_except_for_s3():
    """An encoded slash stays one: both spellings of the same path sign differently."""
    plain = signature(request("a.test", "/a/b"), "20150830T123600Z", service="service", **SUITE)
    encoded = signature(request("a.test", "/a%2Fb"), "20150830T123600Z", service="service", **SUITE)

    assert plain != encoded


def test_a_session_token_travels_and_is_signed():
    made = request("a.test", "/")
    with_token = signature(made, "20150830T123600Z", service="service", session_token="session", **SUITE)

    assert ("X-Amz-Security-Token", "session") in made.headers
    assert with_token != signature(request("a.test", "/"), "20150830T123600Z", service="service", **SUITE)


def test_a_declared_block_signs_each_request_anew():
    block = "{type: aws-sig-v4, accessKeyId: '{{K}}', secretKey: '{{S}}', region: eu-west-1, service: execute-api}"
    node = read_text(f"authentication: {block}\n", file="cap.yaml").get("authentication")
    authentication = compile_authentication(node, Names(), Problems(), namespace="acme")
    assert authentication is not None
    made = request("api.test", "/x", headers=[("authorization", "other"), ("X-Amz-Date", "other")])

    authentication.bind(Scope(binds={"K": "AKID", "S": "secret"})).apply(made)

    headers = dict(made.headers)
    assert sorted(headers) == ["Authorization", "X-Amz-Date"]
    assert headers["Authorization"].startswith(
        f"AWS4-HMAC-SHA256 Credential=AKID/{headers['X-Amz-Date'][:8]}/eu-west-1/execute-api/"
    )
