"""``k8s-secret://`` and ``vault://`` locations: secrets that the platform mounts as files, or that Vault gives out.

A Kubernetes secret is a folder with one file per key; a Vault agent writes either such a folder or one rendered file. Both are
looked for below a folder the operator can move (``NAFTIKO_SECRETS_DIR``, ``NAFTIKO_VAULT_DIR``). Where no file is mounted and
``VAULT_ADDR`` is set, Vault itself is asked, with the client library of the extra ``vault``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from naftiko_run.bind_providers.files import parse_values, read_text
from naftiko_run.bind_providers.provider import BIND_PROVIDERS, BindSource
from naftiko_run.errors import BindingError

KUBERNETES_DIRECTORY = "/etc/naftiko/secrets"
VAULT_DIRECTORY = "/vault/secrets"


@BIND_PROVIDERS.register("k8s-secret", "k8s")
def read_kubernetes_secret(source: BindSource) -> Mapping[str, str]:
    """``k8s-secret://NAME`` or ``k8s-secret://NAMESPACE/NAME``; the namespace is the pod's own, so only the name counts."""
    root = Path(source.environment.get("NAFTIKO_SECRETS_DIR") or KUBERNETES_DIRECTORY)
    name = source.rest.strip("/").rpartition("/")[2]
    mounted = _mounted(root, name, source)
    if mounted is None:
        hint = f"mount the secret {name!r} at {root / name}, or say with NAFTIKO_SECRETS_DIR where secrets are mounted"
        raise BindingError(f"the Kubernetes secret of {source.location!r} is not mounted", at=source.at, hint=hint)
    return mounted


@BIND_PROVIDERS.register("vault")
def read_vault(source: BindSource) -> Mapping[str, str]:
    """``vault://MOUNT/PATH`` of a key-value store, version 2."""
    root = Path(source.environment.get("NAFTIKO_VAULT_DIR") or VAULT_DIRECTORY)
    mounted = _mounted(root, source.rest.strip("/"), source)
    if mounted is not None:
        return mounted
    if source.environment.get("VAULT_ADDR"):
        return _ask_vault(source)
    hint = f"let the Vault agent write it below {root} (or NAFTIKO_VAULT_DIR), or set VAULT_ADDR and VAULT_TOKEN"
    raise BindingError(f"{source.location!r} is neither mounted nor is a Vault address set", at=source.at, hint=hint)


def _mounted(root: Path, name: str, source: BindSource) -> Mapping[str, str] | None:
    path = (root / name).resolve()
    if not name or not path.is_relative_to(root.resolve()):
        raise BindingError(f"{source.location!r} names no secret", at=source.at, hint="write scheme://name")
    if path.is_dir():
        # Each key is a link into a folder that the platform swaps at once; it must still end inside this secret's.
        files = {key: (path / key).resolve() for key in source.keys}
        inside = {key: file for key, file in files.items() if file.is_relative_to(path) and file.is_file()}
        return {key: read_text(file, source.at).rstrip("\r\n") for key, file in inside.items()}
    if path.is_file():
        return {key: value for key, value in parse_values(path, source.at).items() if key in source.keys}
    return None


def _ask_vault(source: BindSource) -> Mapping[str, str]:
    try:
        hvac = import_module("hvac")  # an extra without type information
    except ImportError as exc:
        hint = "pip install 'naftiko-run[vault]', or let the Vault agent write the secret to a file"
        raise BindingError(f"{source.location!r} needs the Vault client", at=source.at, hint=hint) from exc
    environment = source.environment
    mount, _, path = source.rest.strip("/").partition("/")
    try:
        client = hvac.Client(
            url=environment["VAULT_ADDR"], token=environment.get("VAULT_TOKEN", ""), timeout=10, allow_redirects=False,
            namespace=environment.get("VAULT_NAMESPACE"), verify=environment.get("VAULT_CACERT") or True,
        )  # fmt: skip
        client.session.trust_env = False
        answer = client.secrets.kv.v2.read_secret_version(path=path, mount_point=mount, raise_on_deleted_version=True)
        data = answer["data"]["data"]
    except Exception as exc:
        # The library raises its own classes, those of its HTTP client and plain KeyError; none of their texts is for a log.
        hint = "check VAULT_ADDR, VAULT_TOKEN and the path; the first part names the mount"
        raise BindingError(
            f"Vault did not give out {source.location!r} ({type(exc).__name__})", at=source.at, hint=hint
        ) from None
    return {key: str(data[key]) for key in source.keys if data.get(key) is not None}
