"""The decoding half that runs inside a worker process: options, charset and body in, JSON out.

``open_job`` is called once, before the worker locks itself in, so the format's libraries are loaded by then.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable

import orjson

from naftiko_run.consumes.formats.registry import Convert, NotOfFormat
from naftiko_run.errors import UpstreamBroken
from naftiko_run.isolation.jobs import Refused


def open_job(name: str) -> Callable[[bytes], bytes]:
    """The job ``decode-<format>``."""
    format_name = name.removeprefix("decode-")
    module = importlib.import_module(f"naftiko_run.consumes.formats.{format_name}")
    module.prepare()
    rebuild = module.rebuild
    converts: dict[bytes, Convert] = {}

    def run(payload: bytes) -> bytes:
        length = int.from_bytes(payload[:4])
        head, body = payload[4 : 4 + length], payload[4 + length :]
        charset, options = orjson.loads(head).values()
        key = orjson.dumps(options)
        if key not in converts:
            converts[key] = rebuild(options)
        try:
            return dump(converts[key](body, charset))
        except NotOfFormat as exc:
            raise Refused(exc.message, kind="format") from exc
        except UpstreamBroken as exc:
            raise Refused(exc.message, kind="limit") from exc
        except (ValueError, RecursionError, TypeError, LookupError, EOFError) as exc:
            raise Refused(f"the upstream's body is not readable as {format_name}", kind="format") from exc

    return run


def dump(value: object) -> bytes:
    """Compact JSON; integers of any size stay exact."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
