"""The options of ``serve``, in the groups that its help shows."""

from __future__ import annotations

import argparse

from naftiko_run.cli import options as shared
from naftiko_run.cli import trust
from naftiko_run.limits import DEFAULT_LIMITS


def parser() -> argparse.ArgumentParser:
    found = shared.Parser(prog="naftiko-run serve", description="Serve capability files: REST and MCP adapters, at once.")
    found.add_argument("files", nargs="+", metavar="FILE", help="a capability file, a folder of them, or a glob")
    shared.add_load_options(found)
    listen = found.add_argument_group("listening")
    listen.add_argument("--host", default="", help="listen on this address instead of the declared ones")
    listen.add_argument(
        "--port", action="append", default=[], metavar="WHAT=PORT",
        help="port of an adapter: by namespace, by type (rest, mcp, skill, control) or by declared port (repeatable)",
    )  # fmt: skip
    listen.add_argument("--port-offset", type=int, default=0, metavar="N", help="add N to every declared port")
    listen.add_argument(
        "--allow-public", action="store_true", help="let adapters without authentication listen beyond loopback"
    )
    listen.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="accept this Host header (repeatable)"
    )
    listen.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        type=shared.origin,
        metavar="ORIGIN",
        help="accept this Origin (repeatable)",
    )
    listen.add_argument(
        "--cors-origin", action="append", default=[], type=shared.origin, metavar="ORIGIN",
        help="let browsers of this origin call (repeatable)",
    )  # fmt: skip
    listen.add_argument(
        "--workers", type=shared.process_count, default=1, metavar="N", help="serve with N processes that share the ports"
    )
    listen.add_argument("--stdio", action="store_true", help="serve MCP on standard input and output, and nothing else")
    listen.add_argument(
        "--tools", choices=("all", "search"), default="all", help="list all tools, or three that search, describe and call them"
    )
    listen.add_argument(
        "--long-tool-names", choices=("shorten", "keep"), default="shorten",
        help="publish tool names beyond 64 characters with a hash at their end, or whole",
    )  # fmt: skip
    up = found.add_argument_group("upstreams")
    up.add_argument(
        "--mock", action="store_true", help="point every consumer at a built-in upstream; needs no key and no network"
    )
    up.add_argument("--env-file", action="append", default=[], metavar="FILE", help="read variables from a file (repeatable)")
    up.add_argument(
        "--allow-missing", action="store_true", help="start without variables that have no value; calls that need them fail"
    )
    up.add_argument("--relay-errors", action="store_true", help="pass error answers of upstreams on, body included")
    up.add_argument("--ca-file", default="", metavar="FILE", help="trust this certificate authority too")
    up.add_argument(
        "--client-cert", default="", metavar="FILE", help="present this PEM certificate (with its key) to upstreams"
    )
    up.add_argument("--proxy", default="", metavar="URL", help="reach upstreams through this proxy")
    up.add_argument("--http2", action="store_true", help="speak HTTP/2 with upstreams that offer it")
    up.add_argument(
        "--allow-net", action="append", default=[], metavar="CIDR", help="let calls reach these private addresses (repeatable)"
    )
    up.add_argument(
        "--allow-unfiltered-scripts", action="store_true", help="run scripts where the system-call filter is unavailable"
    )
    trust.add_grants(found)
    log = found.add_argument_group("output")
    log.add_argument("--check", action="store_true", help="compile, print the plan, and exit")
    log.add_argument("--log-format", choices=("text", "json"), default="text", help="lines for people, or one object a line")
    log.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="warning",
        help="what is written while serving (default warning); info tells why requests failed",
    )
    for face, default in (("rest", DEFAULT_LIMITS.rest_deadline), ("mcp", DEFAULT_LIMITS.mcp_deadline)):
        found.add_argument(
            f"--{face}-deadline",
            type=shared.positive,
            default=default,
            metavar="SECONDS",
            help=f"time for one {face.upper()} request and all it causes (default {default:g})",
        )
    found.add_argument(
        "--limit", action="append", default=[], metavar="NAME=VALUE", help="change a limit by its name (see docs/limits.md)"
    )
    return found
