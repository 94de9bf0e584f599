"""Which hosts and origins a listener answers to."""

from __future__ import annotations

import pytest

from naftiko_run.server.hosts import HostRules, host_name, is_loopback


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost.:8080", "localhost"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:8080", "::1"),
        ("[::1]", "::1"),
        ("localhost:", ""),
        ("localhost:8o80", ""),
        ("localhost:99999", ""),
        ("localhost:-1", ""),
        ("localhost:٣", ""),
        ("::1", ""),
        ("a b", ""),
        ("user@localhost", ""),
        ("localhost/evil", ""),
        ("", ""),
    ],
)
def test_a_host_value_is_a_name_and_a_port_of_digits(authority, name):
    assert host_name(authority) == name


@pytest.mark.parametrize("name", ["localhost", "api.localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_loopback_names_mean_this_machine(name):
    assert is_loopback(name)


@pytest.mark.parametrize("name", ["localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1", "0.0.0.0", "notlocalhost", ""])
def test_other_names_do_not(name):
    assert not is_loopback(name)


@pytest.mark.parametrize(
    ("rules", "value", "accepted"),
    [
        (HostRules(), "localhost:1", True),
        (HostRules(), "example.com", False),
        (HostRules(), "10.0.0.1", False),
        (HostRules(address="10.0.0.1"), "10.0.0.1:8080", True),
        (HostRules(address="10.0.0.1"), "10.0.0.2", False),
        (HostRules(address="0.0.0.0"), "192.168.1.7:8080", True),
        (HostRules(address="0.0.0.0"), "rebound.evil.test", False),
        (HostRules(address="::"), "[fd00::1]:8080", True),
        (HostRules(names=["api.example.com"]), "API.example.com:443", True),
        (HostRules(names=["api.example.com"]), "example.com", False),
        (HostRules(names=["*.example.com"]), "a.b.example.com", True),
        (HostRules(names=["*.example.com"]), "example.com", False),
        (HostRules(names=["*.example.com"]), "evilexample.com", False),
        (HostRules(names=["*"]), "anything.test", True),
        (HostRules(names=["*"]), "not a host", False),
    ],
)
def test_hosts(rules, value, accepted):
    assert [rules.accepts_host(value), rules.accepts_host(value)] == [accepted, accepted]


@pytest.mark.parametrize(
    ("rules", "value", "accepted"),
    [
        (HostRules(), "http://localhost:3000", True),
        (HostRules(), "HTTPS://127.0.0.1", True),
        (HostRules(), "https://example.com", False),
        (HostRules(), "null", False),
        (HostRules(), "http://localhost@evil.test", False),
        (HostRules(), "http://localhost.evil.test", False),
        (HostRules(), "http://localhost/path", False),
        (HostRules(), "file://localhost", False),
        (HostRules(names=["api.example.com"]), "https://api.example.com", True),
        (HostRules(names=["*"]), "https://example.com", False),
        (HostRules(origins=["https://app.example.com"]), "https://app.example.com", True),
        (HostRules(origins=["https://app.example.com"]), "http://app.example.com", False),
        (HostRules(origins=["app-extension://abc"]), "app-extension://abc", True),
        (HostRules(origins=["*"]), "https://example.com", True),
    ],
)
def test_origins(rules, value, accepted):
    assert rules.accepts_origin(value) is accepted


def test_the_memory_of_accepted_values_is_bounded():
    rules = HostRules()
    for port in range(1000):
        assert rules.accepts_host(f"localhost:{port}")

    assert len(rules._hosts) <= 128
