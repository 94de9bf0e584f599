"""Deployment output: manifests that a cluster takes, secrets by reference only, proxies that replay nothing that writes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from naftiko_run.capability import load
from naftiko_run.cli.main import main
from naftiko_run.deploy.run import deploy_files
from naftiko_run.deploy.target import DeployPlan, plan_of

CAPABILITIES = Path(__file__).parent.parent.parent / "capabilities"
SHIPPED = sorted(file for file in CAPABILITIES.glob("*.yaml") if not file.name.endswith(".mock.yaml"))
VERSIONS = ("1.30", "1.34", "1.37")


def planned(file: Path = CAPABILITIES / "training-billing.yaml") -> DeployPlan:
    return plan_of(load(file), image="registry.test/naftiko-run:1")


def manifests(plan: DeployPlan, target: str = "kubernetes") -> dict[str, dict]:
    texts = [text for name, text in deploy_files(target, plan).items() if name.endswith(".yaml")]
    return {one["kind"]: one for one in map(yaml.safe_load, texts)}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_fits_the_strict_schema(file, version):
    validator = pytest.importorskip("kubernetes_validate")

    for one in manifests(planned(file)).values():
        validator.validate(one, version, strict=True)


def test_all_objects_are_there():
    assert set(manifests(planned())) == {
        "ConfigMap", "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy",
    }  # fmt: skip


def test_the_pod_has_no_privileges():
    spec = manifests(planned())["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]

    assert spec["replicas"] >= 2
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert pod["terminationGracePeriodSeconds"] == 45
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip


def test_secrets_are_references(monkeypatch):
    monkeypatch.setenv("PRIME_API_KEY", "very-secret")
    files = deploy_files("kubernetes", planned())

    assert "very-secret" not in "".join(files.values())
    env = manifests(planned())["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env == [
        {"name": "PRIME_API_KEY", "valueFrom": {"secretKeyRef": {"name": "training-billing", "key": "PRIME_API_KEY"}}}
    ]


def test_a_control_adapter_is_what_probes_ask(tmp_path):
    text = (CAPABILITIES / "training-billing.yaml").read_text() + "\n  - type: control\n    port: 9099\n"
    (tmp_path / "with-control.yaml").write_text(text)
    container = manifests(planned(tmp_path / "with-control.yaml"))["Deployment"]["spec"]["template"]["spec"]["containers"][0]

    assert container["livenessProbe"]["exec"]["command"] == ["naftiko-run", "health", "--port", "9099", "--live"]
    assert container["readinessProbe"]["exec"]["command"] == ["naftiko-run", "health", "--port", "9099"]


def test_the_capability_and_what_it_imports_travel_in_the_config_map(tmp_path):
    (tmp_path / "shared.yaml").write_text(
        "ikanos: 1.0.0-beta5\nconsumes: [{type: http, namespace: s, baseUri: 'https://s.test', "
        "resources: {a: {path: /a, operations: {a: {method: GET}}}}}]\n"
    )
    (tmp_path / "main.yaml").write_text(
        "ikanos: 1.0.0-beta5\ninfo: {display: d, description: d}\ncapability:\n  consumes: [{from: ./shared.yaml, import: s}]\n"
        "  exposes: [{type: mcp, namespace: m, port: 9090, tools: {a: {description: d, call: s.a}}}]\n"
    )

    assert set(manifests(planned(tmp_path / "main.yaml"))["ConfigMap"]["data"]) == {"main.yaml", "shared.yaml"}


def test_knative_takes_one_port_and_none_of_what_it_refuses():
    service = manifests(planned(), "knative")["Service"]
    container = service["spec"]["template"]["spec"]["containers"][0]

    assert service["apiVersion"] == "serving.knative.dev/v1"
    assert container["ports"] == [{"containerPort": 8080}]
    assert not {"lifecycle", "startupProbe"} & set(container)
    assert [word for word in container["args"] if "=" in word] == ["rest=8080", "mcp=8080"]


def test_proxies_replay_nothing_that_writes():
    haproxy = deploy_files("haproxy", planned())["haproxy.cfg"]
    nginx = deploy_files("nginx", planned())["nginx.conf"]

    assert "disable-l7-retry if METH_POST" in haproxy
    assert "retry-on conn-failure empty-response" in haproxy
    assert "non_idempotent" not in nginx
    assert "server instance-2.internal:8080" in nginx


def test_the_command_writes_a_folder(tmp_path, capsys):
    out = tmp_path / "out"

    assert main(["deploy", "kubernetes", str(CAPABILITIES / "training-billing.yaml"), "-o", str(out)]) == 0
    assert sorted(file.name for file in out.iterdir())[:2] == ["01-config-map.yaml", "02-deployment.yaml"]
    assert main(["deploy", "nginx", str(CAPABILITIES / "training-billing.yaml"), "-o", "-"]) == 0
    assert "upstream training-billing-rest" in capsys.readouterr().out
