"""A flow's result, or its failure, as the result of ``tools/call``: content a model can read, and data a program can.

JSON bodies travel as they came: their bytes are spliced into the envelope and escaped into the text beside it, never decoded
into values and written again, so that numbers and key order stay the upstream's.
"""

from __future__ import annotations

import base64
import math
import uuid

import orjson

from naftiko_run.errors import RequestError, StepFailed, UpstreamStatus
from naftiko_run.exposes.mcp.catalog import ToolEntry
from naftiko_run.expressions.scope import MISSING
from naftiko_run.flows.result import Result
from naftiko_run.limits import MIB
from naftiko_run.values import dump_json

EXCERPT = 2000
# Without a promised output, data beyond this is only sent as text: checking that it is JSON would hold up other callers.
_UNPROMISED_DATA = MIB
_STEP_FIELDS = ("step", "completed", "sideEffects")
_TEXT_TYPES = frozenset(
    ("", "application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript",
     "application/x-ndjson", "application/graphql", "application/x-www-form-urlencoded", "application/toml", "image/svg+xml")
)  # fmt: skip


def kind_of(media_type: str) -> str:
    """A media type in lower case, without parameters."""
    return media_type.partition(";")[0].strip().lower()


def is_json_type(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def is_text_type(kind: str) -> bool:
    return kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml", "+yaml"))


def tool_answer(result: Result, entry: ToolEntry, *, modern: bool) -> bytes:
    """The members of a ``tools/call`` result."""
    if result.status >= 400:
        return _upstream_refused(result)
    kind = kind_of(result.media_type)
    if result.binary or not is_text_type(kind):
        return _binary(result, kind or "application/octet-stream", entry)
    if result.body is None:
        if result.data is MISSING:
            return _nothing(entry)
        if isinstance(result.data, str) and not is_json_type(kind):
            return _text(dump_json(result.data))
        return _json(dump_json(result.data), entry, modern)
    if not result.body:
        return _nothing(entry)
    if is_json_type(kind) and _is_json(result.body, entry):
        return _json(result.body, entry, modern)
    return _text(dump_json(result.body.decode("utf-8", "replace")))


def object_answer(body: bytes, entry: ToolEntry, *, is_ours: bool) -> bytes | None:
    """The same for a JSON object, in one go; ``None`` where a body is anything else. What we wrote ourselves is not checked."""
    if not body.startswith(b"{") or not (is_ours or _is_json(body, entry)):
        return None
    text = dump_json(body.decode())
    return b'"content":[{"type":"text","text":%b}],"structuredContent":%b,"isError":false' % (text, body.rstrip())


def shaped_answer(body: bytes, entry: ToolEntry, *, modern: bool) -> bytes:
    """The same for any JSON that we wrote ourselves."""
    return _json(body, entry, modern)


def _nothing(entry: ToolEntry) -> bytes:
    """An empty answer; where an object was promised, one without any of its properties, none of which is required."""
    return b'"content":[],"structuredContent":{},"isError":false' if entry.promised else b'"content":[],"isError":false'


def _is_json(body: bytes, entry: ToolEntry) -> bool:
    """Nothing is spliced that was not checked: half a document would break the whole answer."""
    if not entry.promised and len(body) > _UNPROMISED_DATA:
        return False
    try:
        orjson.loads(body)
    except ValueError:
        return False
    return True


def _json(body: bytes, entry: ToolEntry, modern: bool) -> bytes:
    text, data = dump_json(body.decode()), body.strip()
    if data.startswith(b"{"):
        return _text(text, data)
    if entry.promised:
        return _text(text, b"{}")
    if data == b"null":
        return _text(text)
    return _text(text, data if modern else b'{"result":%b}' % data)


def _text(text: bytes, data: bytes = b"", *, error: bool = False) -> bytes:
    structured = b',"structuredContent":' + data if data else b""
    flag = b"true" if error else b"false"
    return b'"content":[{"type":"text","text":%b}]%b,"isError":%b' % (text, structured, flag)


def _binary(result: Result, kind: str, entry: ToolEntry) -> bytes:
    data = base64.b64encode(result.content).decode()
    main = kind.partition("/")[0]
    if main in ("image", "audio"):
        block: dict[str, object] = {"type": main, "data": data, "mimeType": kind}
    else:
        uri = f"naftiko://transient/{entry.namespace}/{entry.name}/{uuid.uuid4()}"
        block = {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "blob": data}}
    return b'"content":[%b],"isError":false' % dump_json(block)


def _upstream_refused(result: Result) -> bytes:
    lines = [f"the upstream answered with status {result.status}"]
    if not result.binary and is_text_type(kind_of(result.media_type)):
        said = excerpt(result.content.decode("utf-8", "replace"))
        lines += [f"it said: {said}"] if said else []
    return _text(dump_json("\n".join(lines)), error=True)


def tool_error(error: RequestError) -> bytes:
    """A failed call, in words that tell a model whether to change its arguments, to wait, or to give up."""
    data = dump_json({key: error.extra[key] for key in _STEP_FIELDS}) if "step" in error.extra else b""
    return _text(dump_json(error_text(error)), data, error=True)


def error_text(error: RequestError) -> str:
    cause = error.cause if isinstance(error, StepFailed) else error
    lines = [excerpt(error.message), f"status: {error.status}"]
    if isinstance(cause, UpstreamStatus):
        lines.append(f"upstream status: {cause.upstream_status}")
        if cause.excerpt:
            lines.append(f"the upstream said: {excerpt(cause.excerpt)}")
    if error.retry_after is not None:
        lines.append(f"try again in {max(1, math.ceil(error.retry_after))} seconds")
    if error.hint or cause.hint:
        lines.append(error.hint or cause.hint)
    return "\n".join(lines)


def excerpt(text: str) -> str:
    return text if len(text) <= EXCERPT else text[: EXCERPT - 3] + "..."
