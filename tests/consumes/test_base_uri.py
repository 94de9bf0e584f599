"""Base URIs: usable as written, filled from binds and the environment, or a sentence with the setting to supply."""

from __future__ import annotations

import pytest

from naftiko_run.consumes.base_uri import BaseUri, compile_base_uri, find_variable, split_base, upper_snake
from naftiko_run.document.reader import read_text
from naftiko_run.errors import MalformedRequest, OperationUnavailable, Problems


def base(uri: str, override: str | None = None) -> tuple[BaseUri, Problems]:
    problems = Problems()
    entry = read_text(f"namespace: shop\nbaseUri: '{uri}'\n", file="cap.yaml")
    return compile_base_uri(entry, "shop", override, problems), problems


def resolved(uri: str, **values: object) -> str:
    origin, prefix = base(uri)[0].resolve(values)
    return f"{origin.scheme}://{origin.host}:{origin.port}{prefix}"


@pytest.mark.parametrize(
    ("uri", "values", "expected"),
    [
        ("https://h.test/v2/", {}, "https://h.test:443/v2"),
        ("http://h.test:81", {}, "http://h.test:81"),
        ("//h.test/p", {}, "https://h.test:443/p"),
        ("https://{region}.h.test/v2", {"region": "eu"}, "https://eu.h.test:443/v2"),
        ("https://h.test/stores/{store_hash}/v3", {"store_hash": "a/b"}, "https://h.test:443/stores/a%2Fb/v3"),
        ("https://{{DOMAIN}}/api", {"DOMAIN": "d.test"}, "https://d.test:443/api"),
        ("https://${SITE}.live.test", {"SITE": "s"}, "https://s.live.test:443"),
        ("{{BASE_URL}}/api/v2", {"BASE_URL": "https://x.test/root/"}, "https://x.test:443/root/api/v2"),
        ("https://{endpoint}", {"endpoint": "https://e.test"}, "https://e.test:443"),
    ],
)
def test_every_published_spelling_resolves(uri, values, expected):
    assert resolved(uri, **values) == expected


@pytest.mark.parametrize("value", ["evil.test/x", "a@evil.test", "a?b", "a#b", "a b", "a\\b"])
def test_a_value_inside_the_host_stays_a_host_name(value):
    with pytest.raises(MalformedRequest, match="'region'"):
        resolved("https://{region}.h.test", region=value)


def test_an_empty_base_uri_loads_and_its_calls_name_the_setting():
    found, problems = base("")

    assert [f.code for f in problems.findings] == ["W-BASEURI-EMPTY"]
    with pytest.raises(OperationUnavailable) as caught:
        found.resolve({})
    assert caught.value.hint == "set it with --base-uri shop=URL"


@pytest.mark.parametrize("uri", ["/api/v1", "h.test/p", "tcp://h.test", "blpapi+session://h", "https://u:p@h.test", "https://"])
def test_what_is_no_web_address_is_an_error_and_never_called(uri):
    found, problems = base(uri)

    assert [f.code for f in problems.findings] == ["E-BASEURI"]
    with pytest.raises(OperationUnavailable):
        found.resolve({})


@pytest.mark.parametrize("host", ["your-domain.test", "api.example.com", "example.org"])
def test_a_placeholder_host_is_warned_about_and_used(host):
    found, problems = base(f"https://{host}")

    assert [f.code for f in problems.findings] == ["W-BASEURI-PLACEHOLDER"]
    assert found.resolve({})[0].host == host


def test_another_spelling_of_the_key_is_no_base_uri_and_said_so():
    problems = Problems()
    compile_base_uri(read_text("namespace: shop\nbaseURI: https://shop.test\n", file="cap.yaml"), "shop", None, problems)

    assert [finding.code for finding in problems.findings] == ["W-BASEURI-EMPTY"]


def test_an_override_replaces_it_wholly():
    found, problems = base("", override="http://127.0.0.1:9/x")

    assert problems.findings == []
    assert found.resolve({})[1] == "/x"


def test_a_variable_without_a_value_is_named_with_its_setting():
    with pytest.raises(OperationUnavailable) as caught:
        resolved("https://{storeHash}.h.test")

    assert "'storeHash'" in caught.value.message
    assert caught.value.hint == "set the environment variable STORE_HASH, or --base-uri shop=URL"


@pytest.mark.parametrize(
    ("binds", "environment", "expected"),
    [
        ({"host": "bind", "HOST": "upper"}, {"HOST": "env"}, "bind"),
        ({"HOST": "upper", "AKKA_HOST": "ending"}, {"HOST": "env"}, "upper"),
        ({"AKKA_HOST": "ending"}, {"HOST": "env"}, "ending"),
        ({"AKKA_HOST": "one", "OTHER_HOST": "two"}, {"HOST": "env"}, "env"),
        ({"LOCALHOST": "no"}, {"host": "env"}, "env"),
        ({}, {}, None),
    ],
    ids=["same name", "upper snake", "the only one ending so", "two end so", "not a whole word", "nothing"],
)
def test_a_variable_is_looked_for_in_a_fixed_order(binds, environment, expected):
    assert find_variable("host", binds, environment) == expected


def test_names_become_upper_snake():
    assert [upper_snake(n) for n in ("storeHash", "store-hash", "site")] == ["STORE_HASH", "STORE_HASH", "SITE"]


def test_an_international_host_is_written_in_ascii():
    origin, _, _ = split_base("https://bücher.test")

    assert origin is not None
    assert origin.host == "xn--bcher-kva.test"
