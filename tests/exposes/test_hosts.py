"""Host and Origin: the table of what a listener answers to."""

from __future__ import annotations

import pytest

from naftiko_run.errors import Forbidden, MisdirectedRequest
from naftiko_run.exposes.hosts import HostRules
from naftiko_run.exposes.messages import HttpRequest

RULES = HostRules(hosts=frozenset({"api.acme.test", "only.test:8443"}), origins=frozenset({"https://app.acme.test"}))


def request(*headers: tuple[str, str]) -> HttpRequest:
    return HttpRequest(method="GET", path="/", headers=list(headers))


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "LOCALHOST", "127.0.0.1:9090", "127.9.9.9", "[::1]", "[::1]:80", "api.acme.test",
     "API.acme.test:8080", "api.acme.test.", "only.test:8443"],
)  # fmt: skip
def test_a_known_host_is_answered(host: str):
    RULES.check(request(("host", host)))


@pytest.mark.parametrize(
    "host",
    ["", "evil.test", "api.acme.test.evil.test", "evil-api.acme.test", "only.test", "only.test:80", "169.254.169.254",
     "0.0.0.0", "localhost.evil.test", "user@localhost", "localhost/x", "localhost#x", "[::1", "localhost:port",
     "localhost:99999", "*",
     "2130706433", "127.0.0.1.nip.test", "::1", "[::ffff:10.0.0.1]", "localhost evil"],
)  # fmt: skip
def test_any_other_host_is_misdirected(host: str):
    with pytest.raises(MisdirectedRequest) as caught:
        RULES.check(request(("host", host)))
    assert not host or host == "*" or host not in caught.value.message


def test_a_request_names_its_host_exactly_once():
    for headers in ([], [("host", "localhost"), ("host", "localhost")]):
        with pytest.raises(MisdirectedRequest):
            RULES.check(request(*headers))


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:1", "https://app.acme.test", "HTTPS://APP.acme.test"]
)
def test_a_known_origin_is_accepted(origin: str):
    RULES.check(request(("host", "localhost"), ("origin", origin)))


@pytest.mark.parametrize(
    "origin",
    ["", "null", "https://evil.test", "https://app.acme.test:444", "http://app.acme.test", "https://app.acme.test.evil.test",
     "https://localhost.evil.test", "https://u@localhost", "https://localhost/", "file://", "https://"],
)  # fmt: skip
def test_any_other_origin_is_forbidden(origin: str):
    with pytest.raises(Forbidden):
        RULES.check(request(("host", "localhost"), ("origin", origin)))


def test_everything_can_be_allowed():
    HostRules(hosts=frozenset("*"), origins=frozenset("*")).check(request(("host", "any.test"), ("origin", "https://any.test")))
