"""The strict profile: nothing is read, run or opened that was neither granted nor pinned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from naftiko_run.capability import load
from naftiko_run.checks.lock import Grants, read_lock, refusals
from naftiko_run.cli.main import main
from naftiko_run.cli.prepare import prepare
from naftiko_run.cli.serve_options import parser
from naftiko_run.errors import BindingError, DocumentErrors

SHOP = """
ikanos: 1.0.0-beta5
info: {display: Shop, description: d}
binds:
- {namespace: env, keys: {KEY: SHOP_KEY}}
- {namespace: file, location: 'file:///./secrets.env.yaml', keys: {OTHER: OTHER}}
capability:
  consumes:
  - {from: ./shared.yaml, import: shop}
  exposes:
  - type: rest
    namespace: shop-rest
    port: 8080
    address: 0.0.0.0
    authentication: {type: bearer, token: '{{KEY}}'}
    resources:
      jobs: {path: /jobs, operations: {find: {method: GET, call: shop.find}}}
      scripted:
        path: /scripted
        operations:
          run: {method: POST, steps: {one: {type: script, file: a.py, language: python, location: 'file:///./scripts'}}}
"""
SHARED = """
ikanos: 1.0.0-beta5
consumes:
- type: http
  namespace: shop
  baseUri: https://shop.test
  authentication: {type: bearer, token: '{{OTHER}}'}
  resources: {jobs: {path: /jobs, operations: {find: {method: GET}}}}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "a.py").write_text("result = 1\n")
    (tmp_path / "secrets.env.yaml").write_text("OTHER: o-123456\n")
    (tmp_path / "shared.yaml").write_text(SHARED)
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    return file


def messages(file: Path, **grants: object) -> list[str]:
    lock = file.parent / "naftiko.lock"
    pinned = read_lock(lock).get(file.name) if lock.exists() else None
    return [finding.message for finding in refusals(load(file), Grants(**grants), pinned)]  # type: ignore[arg-type]  # fields by name


def test_without_grants_everything_is_named_at_once(shop):
    found = " | ".join(messages(shop))

    for what in (
        "variable 'SHOP_KEY'",
        "path 'file:///./secrets.env.yaml'",
        "script 'scripts/a.py'",
        "listener 'rest 0.0.0.0:8080'",
    ):
        assert what in found


def test_each_grant_takes_its_refusal_away(shop):
    assert messages(
        shop, variables=frozenset({"SHOP_KEY"}), paths=(shop.parent,), scripts=(shop.parent / "scripts",), public=True
    ) == []  # fmt: skip


def test_a_grant_does_not_reach_where_an_encoded_path_leads(shop):
    granted = shop.parent / "scripts"
    shop.write_text(SHOP.replace("file:///./secrets.env.yaml", f"file://{granted}/%2e%2e/secrets.env.yaml"))

    assert any("secrets.env.yaml" in one for one in messages(shop, paths=(granted,)))


def test_a_long_instruction_is_no_file_name(shop):
    shop.write_text(SHOP.replace("jobs: {path: /jobs,", f"jobs: {{path: /jobs, file: {'long ' * 100},"))

    assert main(["lock", str(shop)]) == 0


def test_a_lock_pins_files_and_permissions(shop, capsys):
    assert main(["lock", str(shop)]) == 0

    entry = json.loads((shop.parent / "naftiko.lock").read_text())["capabilities"]["shop.yaml"]
    assert set(entry["files"]) == {"shop.yaml", "shared.yaml", "scripts/a.py", "secrets.env.yaml"}
    assert entry["permissions"]["variables"] == ["SHOP_KEY"]
    assert entry["permissions"]["hosts"] == ["https://shop.test"]
    assert messages(shop) == []
    assert main(["lock", str(shop), "--check"]) == 0


@pytest.mark.parametrize("name", ["shop.yaml", "shared.yaml", "scripts/a.py"])
def test_a_changed_file_is_named(shop, name, capsys):
    main(["lock", str(shop)])
    changed = shop.parent / name
    changed.write_text(changed.read_text() + "\n# changed\n")

    assert f"'{name}' has changed since naftiko.lock was written" in messages(shop)
    assert main(["lock", str(shop), "--check"]) == 1


def test_a_new_permission_of_a_locked_file_is_named(shop):
    main(["lock", str(shop)])
    shop.write_text(SHOP.replace("{KEY: SHOP_KEY}", "{KEY: OTHER_KEY}"))

    assert "the variable 'OTHER_KEY' is not in naftiko.lock" in messages(shop)


def test_a_broken_lock_is_one_sentence(shop):
    (shop.parent / "naftiko.lock").write_text("{}")

    with pytest.raises(BindingError) as caught:
        read_lock(shop.parent / "naftiko.lock")

    assert caught.value.code == "E-LOCK"


def plan(*words: str) -> object:
    prepared = prepare(parser().parse_args(list(words)))
    return prepared.capabilities


def test_strict_refuses_a_start_without_grants(shop, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "k-123456")

    with pytest.raises(DocumentErrors) as caught:
        plan(str(shop), "--strict", "--port", "rest=0")

    assert {finding.code for finding in caught.value.findings} == {"E-PERMISSION"}


def test_strict_starts_with_grants(shop, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "k-123456")
    granted = ("--env", "SHOP_KEY", "--allow-path", ".", "--allow-script", "scripts", "--allow-public")

    assert plan(str(shop), "--strict", "--port", "rest=0", *granted)


def test_a_lock_beside_the_file_is_the_strict_profile(shop, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "k-123456")
    main(["lock", str(shop)])
    shop.write_text(SHOP.replace("description: d}", "description: other}"))

    with pytest.raises(DocumentErrors) as caught:
        plan(str(shop), "--port", "rest=0")

    assert [finding.code for finding in caught.value.findings] == ["E-LOCK-CHANGED"]


def test_an_import_beyond_the_directory_needs_its_path(shop, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "k-123456")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "shared.yaml").write_text(SHARED)
    shop.write_text(SHOP.replace("./shared.yaml", str(elsewhere / "shared.yaml")))
    granted = ("--env", "SHOP_KEY", "--allow-path", ".", "--allow-script", "scripts", "--allow-public", "--port", "rest=0")

    with pytest.raises(DocumentErrors) as caught:
        plan(str(shop), "--strict", *granted)

    assert "E-IMPORT-OUTSIDE" in [finding.code for finding in caught.value.findings]
    assert plan(str(shop), "--strict", *granted, "--allow-path", str(elsewhere))


SMALL = """
ikanos: 1.0.0-beta5
info: {display: Small, description: d}
capability:
  consumes:
  - {type: http, namespace: s, baseUri: 'https://s.test', authentication: {type: bearer, token: '{{KEY}}'},
     resources: {a: {path: /a, operations: {a: {method: GET}}}}}
  exposes: [{type: mcp, namespace: m, port: 9090, tools: {a: {description: d, call: s.a}}}]
"""


async def _plan_url(*words: str) -> object:
    import asyncio

    return await asyncio.to_thread(plan, *words)


async def test_a_capability_from_a_url_is_under_the_strict_profile(upstream, monkeypatch):
    monkeypatch.setenv("KEY", "k-123456")
    upstream.replies(body=SMALL.encode(), headers={"Content-Type": "application/yaml"})
    url = f"{upstream.url}/files/small.yaml"

    with pytest.raises(DocumentErrors) as caught:
        await _plan_url(url, "--allow-net", "127.0.0.0/8", "--port", "mcp=0")
    assert [finding.code for finding in caught.value.findings] == ["E-PERMISSION"]

    assert await _plan_url(url, "--allow-net", "127.0.0.0/8", "--port", "mcp=0", "--env", "KEY")


async def test_a_url_does_not_lead_to_private_addresses_unasked(upstream):
    with pytest.raises(Exception, match="E-EGRESS"):
        await _plan_url(f"{upstream.url}/other.yaml")

    assert upstream.requests == []


def test_plain_http_is_refused():
    with pytest.raises(BindingError, match="https only"):
        plan("http://files.test/shop.yaml")


def test_a_single_call_is_held_to_the_lock_too(shop, monkeypatch, capsys):
    monkeypatch.setenv("SHOP_KEY", "k-123456")
    main(["lock", str(shop)])
    shop.write_text(SHOP.replace("description: d}", "description: other}"))

    assert main(["call", str(shop), "GET /jobs"]) == 2
    assert "E-LOCK-CHANGED" in capsys.readouterr().err


def test_a_plain_start_does_not_load_what_the_strict_profile_needs():
    import subprocess
    import sys

    code = "import naftiko_run.cli.serve, sys; print('naftiko_run.checks.lock' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
