"""Mounted secrets: folders and files that Kubernetes or a Vault agent writes, and what is said when they are absent."""

from __future__ import annotations

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
