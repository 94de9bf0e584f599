"""A registry knows its words before it loads what stands behind them."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from naftiko_run.bind_providers.provider import BIND_PROVIDERS
from naftiko_run.consumes.auth_schemes.scheme import AUTH_SCHEMES
from naftiko_run.errors import UnresolvedReference
from naftiko_run.exposes.exposure_types import EXPOSURE_TYPES
from naftiko_run.exposes.guards.guard import CALLER_AUTH
from naftiko_run.registry import Registry

LAZY = [AUTH_SCHEMES, BIND_PROVIDERS, CALLER_AUTH, EXPOSURE_TYPES]


@pytest.mark.parametrize("registry", LAZY, ids=lambda registry: registry.kind)
def test_every_word_that_is_announced_is_registered_by_its_module(registry: Registry[object]):
    for word in registry:
        assert registry.lookup(word) is not None


@pytest.mark.parametrize("registry", LAZY, ids=lambda registry: registry.kind)
def test_every_word_that_a_module_registers_is_announced(registry: Registry[object]):
    for module in set(registry._homes.values()):
        importlib.import_module(module)
    behind = {word for word, entry in registry._entries.items() if getattr(entry, "__module__", "") in registry._homes.values()}
    assert behind == set(registry._homes)


def test_an_unknown_word_is_refused_with_one_that_is_near():
    with pytest.raises(UnresolvedReference, match="agent-skil") as raised:
        EXPOSURE_TYPES.lookup("agent-skil")
    assert "agent-skill" in str(raised.value)
    assert "agent-skil" not in EXPOSURE_TYPES


def test_case_does_not_count():
    assert "MCP" in EXPOSURE_TYPES
    assert EXPOSURE_TYPES.lookup("MCP") is EXPOSURE_TYPES.lookup("mcp")


def test_nothing_is_registered_twice():
    registry: Registry[int] = Registry("number")
    registry.register("one")(1)
    with pytest.raises(ValueError, match="number 'One' is already registered"):
        registry.register("One")(1)


def test_asking_for_words_loads_nothing():
    program = (
        "import sys; from naftiko_run.consumes.authentication import AUTH_SCHEMES;"
        " assert 'basic' in AUTH_SCHEMES and 'oauth2' in list(AUTH_SCHEMES);"
        " sys.exit('naftiko_run.consumes.auth_schemes.oauth2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
