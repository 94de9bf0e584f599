"""Sample configurations of HAProxy and nginx before several instances (requirement D2).

They try another instance only where the first one cannot have seen the request, and never send a POST twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from naftiko_run.deploy.target import DEPLOY_TARGETS, DeployPlan


@DEPLOY_TARGETS.register("haproxy")
def haproxy(plan: DeployPlan) -> Mapping[str, str]:
    """``haproxy.cfg``."""
    blocks = [
        "global", "    maxconn 4000", "",
        "defaults", "    mode http", "    option httplog", "    timeout connect 2s", "    timeout client 75s",
        "    timeout server 65s", "    timeout http-request 10s", "    timeout http-keep-alive 75s", "    retries 2",
        "    # Only where no instance can have acted on the request: not connected, or nothing of it was sent.",
        "    retry-on conn-failure empty-response", "    option redispatch",
        "    http-request disable-l7-retry if METH_POST", "    http-request disable-l7-retry if { method PATCH }",
    ]  # fmt: skip
    for name, port in plan.ports:
        blocks += [
            "", f"frontend {plan.name}-{name}", f"    bind :{port}", f"    default_backend {plan.name}-{name}",
            "", f"backend {plan.name}-{name}", "    balance leastconn", *_check(plan),
        ]  # fmt: skip
        check = f"check port {plan.control}" if plan.control else "check"
        blocks += [f"    server {plan.name}-{n} instance-{n}.internal:{port} {check}" for n in range(1, plan.replicas + 1)]
    return {"haproxy.cfg": "\n".join([*blocks, ""])}


def _check(plan: DeployPlan) -> list[str]:
    return ["    option httpchk GET /health/ready"] if plan.control else []


@DEPLOY_TARGETS.register("nginx")
def nginx(plan: DeployPlan) -> Mapping[str, str]:
    """``nginx.conf``, to be included in ``http``."""
    lines = []
    for name, port in plan.ports:
        servers = [f"    server instance-{n}.internal:{port} max_fails=2 fail_timeout=5s;" for n in range(1, plan.replicas + 1)]
        lines += [
            f"upstream {plan.name}-{name} {{", "    least_conn;", *servers, "    keepalive 32;", "}", "",
            "server {", f"    listen {port};", "    client_max_body_size 4m;", "", "    location / {",
            f"        proxy_pass http://{plan.name}-{name};", "        proxy_http_version 1.1;",
            '        proxy_set_header Connection "";', "        proxy_set_header Host $host;",
            "        proxy_connect_timeout 2s;", "        proxy_read_timeout 65s;", "        proxy_buffering off;",
            "        # A connection that failed before an answer is tried elsewhere; nginx does so for no POST or PATCH.",
            "        proxy_next_upstream error timeout;", "        proxy_next_upstream_tries 2;", "    }", "}", "",
        ]  # fmt: skip
    return {"nginx.conf": "\n".join(lines)}
