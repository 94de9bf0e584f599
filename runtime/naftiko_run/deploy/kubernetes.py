"""Plain Kubernetes manifests (requirement D1): no templating, secrets by reference only."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from naftiko_run.authoring.written import write_yaml
from naftiko_run.deploy.target import DEPLOY_TARGETS, DeployPlan

CONTROL_PORT = 9099
FOLDER = "/capability"
_USER = 65532
_LISTENING = ("--host", "0.0.0.0", "--allow-public")  # noqa: S104  # what reaches the pod is the network policy's to say
Manifest = dict[str, object]


@DEPLOY_TARGETS.register("kubernetes")
def kubernetes(plan: DeployPlan) -> Mapping[str, str]:
    """One file for each object, in the order they are applied."""
    manifests = {
        "config-map": config_map(plan),
        "deployment": _deployment(plan),
        "service": _service(plan),
        "horizontal-pod-autoscaler": _autoscaler(plan),
        "pod-disruption-budget": _budget(plan),
        "network-policy": _network_policy(plan),
    }
    found = {f"{number:02d}-{name}.yaml": write_yaml(one) for number, (name, one) in enumerate(manifests.items(), 1)}
    return {**found, "README.md": readme(plan, "kubectl apply -f .")}


def readme(plan: DeployPlan, command: str) -> str:
    """How to apply the files: what has to be there first."""
    lines = [f"# {plan.name}", ""]
    if plan.missing:
        lines += [f"Not in the config map, which holds no folders: {', '.join(plan.missing)}. Build them into the image.", ""]
    if plan.variables:
        given = " ".join(f"--from-literal={name}=..." for name in plan.variables)
        lines += ["Create the secret first; its values stand in none of these files:", "", "```sh",
                  f"kubectl create secret generic {plan.name} {given}", "```", ""]  # fmt: skip
    lines += ["Then:", "", "```sh", command, "```", ""]
    lines += ["Callers that come in under another name (an ingress, say) need `--allow-host NAME` among the arguments.", ""]
    if not plan.control:
        lines += ["The capability declares no control adapter, so probes look at its first port only. Declare one to have",
                  "`/health/live` and `/health/ready` asked instead.", ""]  # fmt: skip
    return "\n".join(lines)


def metadata(plan: DeployPlan) -> Manifest:
    return {"name": plan.name, "labels": _labels(plan)}


def _labels(plan: DeployPlan) -> Manifest:
    return {"app.kubernetes.io/name": plan.name, "app.kubernetes.io/managed-by": "naftiko-run"}


def _selector(plan: DeployPlan) -> Manifest:
    return {"matchLabels": {"app.kubernetes.io/name": plan.name}}


def config_map(plan: DeployPlan) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(plan), "data": dict((plan.file, *plan.beside))}


def _deployment(plan: DeployPlan) -> Manifest:
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(plan),
        "spec": {
            "replicas": plan.replicas,
            "selector": _selector(plan),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": _labels(plan)}, "spec": {**pod(plan), "terminationGracePeriodSeconds": 45}},
        },
    }  # fmt: skip


def pod(plan: DeployPlan, *, ports: bool = True) -> Manifest:
    """The pod: no privileges, a root that cannot be written, no token of the cluster."""
    return {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": _USER, "runAsGroup": _USER, "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(plan, ports=ports)],
        "volumes": [
            {"name": "capability", "configMap": {"name": plan.name}},
            {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        ],
    }  # fmt: skip


def _container(plan: DeployPlan, *, ports: bool) -> Manifest:
    names = plan.ports if ports else plan.ports[:1]
    container: Manifest = {
        "name": "naftiko-run",
        "image": plan.image,
        "args": [f"{FOLDER}/{plan.file[0]}", *_LISTENING, *_hosts(plan, whole_pod=ports), "--log-format", "json"],
        "ports": [{"name": name[:15], "containerPort": number} for name, number in names],
    }
    if plan.control and ports:
        container["ports"] = [*container["ports"], {"name": "control", "containerPort": plan.control}]  # type: ignore[misc]  # the list above
    if plan.variables:
        container["env"] = [
            {"name": name, "valueFrom": {"secretKeyRef": {"name": plan.name, "key": name}}} for name in plan.variables
        ]
    return {
        **container,
        **_probes(plan),
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "capability", "mountPath": FOLDER, "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108  # inside the container
        ],
    }  # fmt: skip


def _hosts(plan: DeployPlan, *, whole_pod: bool) -> list[str]:
    """The names that callers inside the cluster use; before a Knative service stands its own router, with any name."""
    names = (plan.name, "*.cluster.local") if whole_pod else ("*",)
    return [word for name in names for word in ("--allow-host", name)]


def _probes(plan: DeployPlan) -> Manifest:
    """Of the control port, which never listens beyond loopback without authentication: asked from inside the container."""
    if not plan.control:
        look: Manifest = {"tcpSocket": {"port": plan.ports[0][1] if plan.ports else CONTROL_PORT}}
        return {"livenessProbe": {**look, "periodSeconds": 10}, "readinessProbe": {**look, "periodSeconds": 5}}

    command = ["naftiko-run", "health", "--port", str(plan.control)]
    ready: Manifest = {"exec": {"command": command}, "timeoutSeconds": 5}
    live: Manifest = {"exec": {"command": [*command, "--live"]}, "timeoutSeconds": 5}
    return {
        "livenessProbe": {**live, "periodSeconds": 20},
        "readinessProbe": {**ready, "periodSeconds": 10},
        "startupProbe": {**ready, "periodSeconds": 2, "failureThreshold": 30},
    }


def _service(plan: DeployPlan) -> Manifest:
    ports = [{"name": name[:15], "port": number, "targetPort": number} for name, number in plan.ports]
    spec = {"selector": {"app.kubernetes.io/name": plan.name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(plan), "spec": spec}


def _autoscaler(plan: DeployPlan) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": 70}
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata(plan),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": plan.name},
            "minReplicas": plan.replicas, "maxReplicas": max(10, plan.replicas),
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }  # fmt: skip


def _budget(plan: DeployPlan) -> Manifest:
    return {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata(plan),
        "spec": {"minAvailable": 1, "selector": _selector(plan)},
    }  # fmt: skip


def _network_policy(plan: DeployPlan) -> Manifest:
    """In: what is served. Out: names, and the ports of the upstreams; a policy knows no host names."""
    ports = sorted({_port(one) for one in plan.upstreams} | {443})
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata(plan),
        "spec": {
            "podSelector": _selector(plan),
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": number} for _, number in plan.ports]}],
            "egress": [
                {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
                {
                    "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}],
                    "ports": [{"protocol": "TCP", "port": number} for number in ports],
                },
            ],
        },
    }  # fmt: skip


def _port(base_uri: str) -> int:
    try:
        parts = urlsplit(base_uri)
        return parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return 443
