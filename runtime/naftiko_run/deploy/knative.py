"""Knative: one service that scales with its requests, down to none; the same pod as under Kubernetes, as far as Knative has it.

A Knative service has one port. Of a capability that serves several, the first is taken; serve all of them on one port
(``--port rest=8080 --port mcp=8080``) to reach both.
"""

from __future__ import annotations

from collections.abc import Mapping

from naftiko_run.authoring.written import write_yaml
from naftiko_run.deploy.kubernetes import Manifest, config_map, metadata, pod, readme
from naftiko_run.deploy.target import DEPLOY_TARGETS, DeployPlan


@DEPLOY_TARGETS.register("knative")
def knative(plan: DeployPlan) -> Mapping[str, str]:
    """A config map and a service."""
    return {
        "01-config-map.yaml": write_yaml(config_map(plan)),
        "02-service.yaml": write_yaml(_service(plan)),
        "README.md": readme(plan, "kubectl apply -f ."),
    }


def _service(plan: DeployPlan) -> Manifest:
    annotations = {"autoscaling.knative.dev/min-scale": str(plan.replicas), "autoscaling.knative.dev/metric": "concurrency"}
    spec = {"containerConcurrency": 100, "timeoutSeconds": 60, **_accepted(pod(plan, ports=False), plan)}
    return {
        "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": metadata(plan),
        "spec": {"template": {"metadata": {"annotations": annotations}, "spec": spec}},
    }  # fmt: skip


def _accepted(spec: Manifest, plan: DeployPlan) -> Manifest:
    """Without what Knative decides itself or does not take: hooks, start-up probes, port names."""
    containers = spec["containers"]
    assert isinstance(containers, list)  # made in `pod`
    container = {key: value for key, value in containers[0].items() if key not in ("lifecycle", "startupProbe")}
    first = plan.ports[0] if plan.ports else ("rest", 8080)
    container["args"] = [*container["args"], *(word for name, _ in plan.ports for word in ("--port", f"{name}={first[1]}"))]
    container["ports"] = [{"containerPort": first[1]}]
    return {**spec, "containers": [container]}
