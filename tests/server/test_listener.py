"""Listeners as wanted: addresses, shared ports, prefixes."""

from __future__ import annotations

import pytest

from naftiko_run.errors import BindingError
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.server.asgi import AsgiMount
from naftiko_run.server.listener import Listener, effective_address, merge, routed


def named(name: str) -> Handler:
    async def handler(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=200, body=name.encode())

    return handler


async def nothing(scope, receive, send) -> None:
    return None


@pytest.mark.parametrize(
    ("declared", "options", "address", "is_warned"),
    [
        ("", {"is_authenticated": False}, "127.0.0.1", False),
        ("localhost", {"is_authenticated": False}, "localhost", False),
        ("127.0.0.2", {"is_authenticated": False}, "127.0.0.2", False),
        ("::1", {"is_authenticated": False}, "::1", False),
        ("0.0.0.0", {"is_authenticated": True}, "0.0.0.0", False),
        ("0.0.0.0", {"is_authenticated": False}, "127.0.0.1", True),
        ("api.example.com", {"is_authenticated": False}, "127.0.0.1", True),
        ("0.0.0.0", {"is_authenticated": False, "allow_public": True}, "0.0.0.0", False),
        ("0.0.0.0", {"is_authenticated": False, "allow_public": True, "is_control": True}, "127.0.0.1", True),
        ("0.0.0.0", {"is_authenticated": True, "is_control": True}, "0.0.0.0", False),
        ("0.0.0.0", {"is_authenticated": False, "allow_public": True, "is_strict": True}, "0.0.0.0", False),
    ],
)
def test_without_authentication_nothing_listens_beyond_loopback_unless_allowed(declared, options, address, is_warned):
    bound, warning = effective_address(declared, **options)

    assert (bound, bool(warning)) == (address, is_warned)
    if is_warned and not options.get("is_control"):
        assert "--allow-public" in warning


def test_under_the_strict_profile_it_is_refused():
    with pytest.raises(BindingError) as caught:
        effective_address("0.0.0.0", is_authenticated=False, is_strict=True)

    assert caught.value.code == "E-PUBLIC-ADDRESS"


def test_adapters_on_the_same_address_and_port_share_one_listener():
    shared = named("shared")
    first = Listener(port=8080, handler=shared, mounts=[("/a", AsgiMount(nothing))])
    second = Listener(port=8080, handler=shared, mounts=[("/b", AsgiMount(nothing))], hosts=("x",))
    third = Listener(port=8081, handler=named("third"))

    merged = merge([first, second, third])

    assert [listener.port for listener in merged] == [8080, 8081]
    assert [prefix for prefix, _ in merged[0].mounts] == ["/a", "/b"]
    assert (merged[0].handler, merged[0].hosts) == (shared, ("x",))


def test_two_handlers_cannot_have_the_same_port():
    with pytest.raises(BindingError) as caught:
        merge([Listener(port=8080, handler=named("a")), Listener(port=8080, handler=named("b"))])

    assert caught.value.code == "E-PORT-SHARED"


def test_listeners_on_any_free_port_stay_apart():
    assert len(merge([Listener(port=0, handler=named("a")), Listener(port=0, handler=named("b"))])) == 2


@pytest.mark.parametrize(
    ("path", "name"),
    [("/a", "a"), ("/a/", "a"), ("/a/x", "a"), ("/ab", "rest"), ("/a/b/c", "a/b"), ("/", "rest"), ("*", "rest")],
)
async def test_the_longest_fitting_prefix_wins(path, name):
    handler = routed(named("rest"), [("/a", named("a")), ("/a/b/", named("a/b"))])

    assert (await handler(HttpRequest(method="GET", path=path))).body.decode() == name


async def test_a_root_mount_takes_everything():
    handler = routed(named("rest"), [("/", named("root"))])

    assert (await handler(HttpRequest(method="GET", path="/x"))).body == b"root"
