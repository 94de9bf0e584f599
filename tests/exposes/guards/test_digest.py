"""Digest: clients that are not ours get in, and a recorded answer is worth nothing."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx2
import pytest

from naftiko_run.errors import Unauthenticated
from naftiko_run.exposes.guards.digest import NONCES, Nonces, parse_fields
from naftiko_run.exposes.guards.guard import Guard, GuardContext, Principal
from naftiko_run.exposes.messages import HttpRequest

BLOCK = "{type: digest, username: ann, password: 'pa:ss wörd'}"


def answer(challenge: str, path: str = "/a?b=c", username: str = "ann", password: str = "pa:ss wörd") -> str:
    """The header that the HTTP library computes for a challenge."""
    asked = httpx2.Request("GET", f"http://127.0.0.1{path}")
    flow = httpx2.DigestAuth(username, password).auth_flow(asked)
    next(flow)
    flow.send(httpx2.Response(401, headers=[("WWW-Authenticate", challenge)], request=asked))
    return asked.headers["authorization"]


def asked(live: Guard, header: str | None = None, path: str = "/a", query: str = "b=c", method: str = "GET") -> HttpRequest:
    return HttpRequest(method=method, path=path, query=query, headers=[("authorization", header)] if header else [], peer="::1")


def challenge_of(live: Guard, header: str | None = None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        live.check_now(asked(live, header))
    return caught.value.challenge


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_an_answer_lets_in(guard, algorithm: str):
    live = guard(BLOCK.replace("}", f", algorithm: {algorithm}}}"))
    challenge = challenge_of(live)

    assert f"algorithm={algorithm}" in challenge
    assert live.check_now(asked(live, answer(challenge))) == Principal(kind="digest", name="ann")


def test_a_recorded_answer_does_not(guard):
    live = guard(BLOCK)
    header = answer(challenge_of(live))
    live.check_now(asked(live, header))

    assert "stale=true" in challenge_of(live, header)


@pytest.mark.parametrize(
    ("path", "query", "method"), [("/other", "b=c", "GET"), ("/a", "b=d", "GET"), ("/a", "", "GET"), ("/a", "b=c", "DELETE")]
)
def test_an_answer_holds_for_its_own_request_only(guard, path: str, query: str, method: str):
    live = guard(BLOCK)
    header = answer(challenge_of(live))

    with pytest.raises(Unauthenticated):
        live.check_now(asked(live, header, path, query, method))


@pytest.mark.parametrize(("username", "password"), [("ann", "other"), ("bob", "pa:ss wörd"), ("ann", "")])
def test_other_credentials_do_not_let_in(guard, username: str, password: str):
    live = guard(BLOCK)

    assert "stale" not in challenge_of(live, answer(challenge_of(live), username=username, password=password))


@pytest.mark.parametrize(
    "change",
    [
        ('nonce="', 'nonce="A'),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=00000002"),
        ("qop=auth", "qop=auth-int"),
        ("algorithm=SHA-256", "algorithm=MD5"),
        ('realm="naftiko"', 'realm="other"'),
        ('cnonce="', 'x="'),
        ('username="ann"', 'username="ann", username="ann"'),
        ("Digest ", "Digest ,,,"),
    ],
)
def test_a_changed_answer_does_not_let_in(guard, change: tuple[str, str]):
    live = guard(BLOCK)
    header = answer(challenge_of(live))
    assert change[0] in header

    challenge_of(live, header.replace(*change, 1))


def test_a_nonce_ends_after_five_minutes_and_is_replaced(guard, clock):
    live = guard(BLOCK, context=GuardContext(clock=clock))
    header = answer(challenge_of(live))
    clock.now += 301

    renewed = challenge_of(live, header)

    assert "stale=true" in renewed
    assert live.check_now(asked(live, answer(renewed)))


def test_a_nonce_of_another_process_is_stale_and_no_failure(guard):
    one, other = guard(BLOCK), guard(BLOCK)

    assert "stale=true" in challenge_of(other, answer(challenge_of(one)))


def test_a_nonce_that_had_to_be_forgotten_cannot_be_used_again(clock):
    nonces = Nonces(GuardContext(clock=clock))
    first = nonces.issue()
    assert nonces.use(first, 1)
    for _ in range(NONCES):
        clock.now += 0.01
        assert nonces.use(nonces.issue(), 1)

    assert not nonces.use(first, 1)
    assert not nonces.use(first, 2)


def test_fields_are_read_with_their_quotes():
    assert parse_fields('a="x, \\"y\\"", B=c,d="" ') == {"a": 'x, "y"', "b": "c", "d": ""}
    assert parse_fields('a="x') == parse_fields("a") == parse_fields("a=1, a=2") == {}


@contextmanager
def listening(live: Guard) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            headers = [(name.lower(), value) for name, value in self.headers.items()]
            try:
                live.check_now(HttpRequest(method="GET", path=path, query=query, headers=headers, peer="127.0.0.1"))
                self.send_response(200)
            except Unauthenticated as refused:
                self.send_response(401)
                self.send_header("WWW-Authenticate", refused.challenge)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(
    ("algorithm", "password", "status"), [("SHA-256", "pass", "200"), ("MD5", "pass", "200"), ("SHA-256", "no", "401")]
)
def test_curl_gets_in_with_the_right_password(guard, algorithm: str, password: str, status: str):
    with listening(guard(f"{{type: digest, username: ann, password: pass, algorithm: {algorithm}}}")) as port:
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", "--digest", "-u", f"ann:{password}"]
        found = subprocess.run([*command, f"http://127.0.0.1:{port}/a%20b?c=d"], capture_output=True, timeout=10, check=True)

    assert found.stdout.decode() == status
