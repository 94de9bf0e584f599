"""``health``: whether a running process is ready. Exit 0 only when it is, for scripts and container probes."""

from __future__ import annotations

from naftiko_run.cli.control import ask, control_parser


def run(arguments: list[str]) -> int:
    parser = control_parser("health", "Ask a running process whether it is ready.")
    parser.add_argument("--live", action="store_true", help="ask whether it is alive instead")
    given = parser.parse_args(arguments)
    answer = ask(given, "GET", "/health/live" if given.live else "/health/ready")
    found = answer.json
    print(found.get("status", answer.error))
    adapters = found.get("adapters")
    for one in adapters if isinstance(adapters, list) else []:
        where = f" on port {one['port']}" if one.get("port") else ""
        print(f"  {one.get('type')} {one.get('namespace', '')}{where}: {one.get('state')}".replace("  on", " on"))
    return 0 if answer.status == 200 and found.get("status") == "UP" else 1
