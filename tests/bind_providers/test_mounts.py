"""Mounted secrets: folders and files that Kubernetes or a Vault agent writes, and what is said when they are absent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from naftiko_run.bind_providers.mounts import read_kubernetes_secret, read_vault
from naftiko_run.bind_providers.provider import BindSource
from naftiko_run.errors import BindingError


def source(location: str, environment: dict[str, str], *keys: str) -> BindSource:
    return BindSource(location=location, keys=keys, base_directory=Path(), environment=environment)


def mount(root: Path, name: str, **values: str) -> None:
    """A secret as the kubelet lays it out: links into a folder that is swapped as a whole."""
    data = root / name / "..2024"
    data.mkdir(parents=True)
    (root / name / "..data").symlink_to("..2024")
    for key, value in values.items():
        (data / key).write_text(value)
        (root / name / key).symlink_to(f"..data/{key}")


@pytest.mark.parametrize("location", ["k8s-secret://acme", "k8s://payments/acme"])
def test_a_mounted_kubernetes_secret_is_read_key_by_key(tmp_path: Path, location: str):
    mount(tmp_path, "acme", token="t-1\n", other="o")

    found = read_kubernetes_secret(source(location, {"NAFTIKO_SECRETS_DIR": str(tmp_path)}, "token", "absent"))

    assert found == {"token": "t-1"}


def test_an_unmounted_secret_says_where_to_mount_it(tmp_path: Path):
    with pytest.raises(BindingError) as caught:
        read_kubernetes_secret(source("k8s-secret://acme", {"NAFTIKO_SECRETS_DIR": str(tmp_path)}, "token"))

    assert f"mount the secret 'acme' at {tmp_path / 'acme'}" in caught.value.hint


@pytest.mark.parametrize("key", ["../other", "/etc/hostname", "leak"])
def test_a_key_does_not_leave_its_secret(tmp_path: Path, key: str):
    mount(tmp_path, "acme", token="t")
    (tmp_path / "other").write_text("x")
    (tmp_path / "acme" / "leak").symlink_to(tmp_path / "other")

    assert read_kubernetes_secret(source("k8s-secret://acme", {"NAFTIKO_SECRETS_DIR": str(tmp_path)}, key)) == {}


@pytest.mark.parametrize("location", ["k8s-secret://", "k8s-secret://.."])
def test_a_location_without_a_name_is_refused(tmp_path: Path, location: str):
    with pytest.raises(BindingError, match="names no secret"):
        read_kubernetes_secret(source(location, {"NAFTIKO_SECRETS_DIR": str(tmp_path / "in")}, "k"))


def test_a_file_that_the_vault_agent_rendered_is_read(tmp_path: Path):
    (tmp_path / "kv").mkdir()
    (tmp_path / "kv" / "acme").write_text('{"token": "t-1"}')

    assert read_vault(source("vault://kv/acme", {"NAFTIKO_VAULT_DIR": str(tmp_path)}, "token")) == {"token": "t-1"}


def test_without_a_file_or_an_address_vault_says_what_to_set(tmp_path: Path):
    with pytest.raises(BindingError) as caught:
        read_vault(source("vault://kv/acme", {"NAFTIKO_VAULT_DIR": str(tmp_path)}, "token"))

    assert "set VAULT_ADDR and VAULT_TOKEN" in caught.value.hint


@contextmanager
def vault_server(answers: dict[str, object]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(address, log of (path, token)) of a server that answers like a key-value store."""
    log: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            log.append((self.path, self.headers.get("X-Vault-Token", "")))
            found = answers.get(self.path.partition("?")[0])
            body = json.dumps(found if found is not None else {"errors": []}).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", log
        server.shutdown()
        thread.join()


def test_vault_is_asked_where_nothing_is_mounted(tmp_path: Path):
    pytest.importorskip("hvac", reason="the extra vault is not installed")
    data = {"data": {"data": {"token": "t-1", "port": 80, "gone": None}, "metadata": {"version": 1}}}

    with vault_server({"/v1/kv/data/team/acme": data}) as (address, log):
        environment = {"NAFTIKO_VAULT_DIR": str(tmp_path), "VAULT_ADDR": address, "VAULT_TOKEN": "root-token"}
        found = read_vault(source("vault://kv/team/acme", environment, "token", "port", "gone", "absent"))

    assert found == {"token": "t-1", "port": "80"}
    assert log == [("/v1/kv/data/team/acme", "root-token")]


def test_a_refusal_of_vault_shows_no_token(tmp_path: Path):
    pytest.importorskip("hvac", reason="the extra vault is not installed")

    with vault_server({}) as (address, _), pytest.raises(BindingError) as caught:
        read_vault(
            source("vault://kv/acme", {"NAFTIKO_VAULT_DIR": str(tmp_path), "VAULT_ADDR": address, "VAULT_TOKEN": "canary"}, "k")
        )

    assert caught.value.message == "Vault did not give out 'vault://kv/acme' (InvalidPath)"
    assert "canary" not in str(caught.value)
