"""Listeners as wanted: which address an exposure may have."""

from __future__ import annotations

import pytest

from naftiko_run.errors import BindingError
from naftiko_run.server.listener import effective_address


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
