"""Messages that are wrong, each in its own way."""

from __future__ import annotations

V, C = "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"
META = {V: "2026-07-28", C: {}}
BIG = "9" * 5000


def rpc(**changes: object) -> dict[str, object]:
    """``tools/call`` of a known tool with members replaced; ``...`` removes one."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list-jobs", "arguments": {}, "_meta": META}}
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def params(**changes: object) -> dict[str, object]:
    return rpc(
        params={name: value for name, value in {"name": "list-jobs", "_meta": META, **changes}.items() if value is not ...}
    )


def of(method: str, **given: object) -> dict[str, object]:
    return rpc(method=method, params={"_meta": META, **given})


BYTES = [
    b"", b" ", b"{", b"}", b"[", b"null", b"true", b"0", b"-", b'"text"', b"NaN", b"Infinity", b"{]", b"{}{}", b"[]", b"[[]]",
    b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"\x00", b"{\x00}", b"\x80\x81", b"{'a': 1}", b'{"a": 1,}', b'{"a" 1}', b"// x",
    b'{"jsonrpc":"2.0","id":1,"method":"tools/list"', b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}',
    b'{"jsonrpc":"2.0","id":1,"method":"a\nb"}', b'{"jsonrpc":"2.0","id":1e999,"method":"tools/list"}',
    b'{"jsonrpc":"2.0","id":' + BIG.encode() + b',"method":"tools/list"}', b'{"jsonrpc":"2.0","id":NaN,"method":"tools/list"}',
    b"[" * 70 + b"]" * 70, b"[" * 100_000, b'{"a":' * 70 + b"1" + b"}" * 70, b"GET / HTTP/1.1\r\n\r\n",
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', b'"' + b"a" * 100_000, b"-" * 1000, b"1" * 5000,
]  # fmt: skip

BODIES = [
    {}, {"jsonrpc": "2.0"}, {"id": 1}, {"method": "tools/list"}, {"result": {}}, {"error": {}},
    rpc(jsonrpc=...), rpc(jsonrpc="1.0"), rpc(jsonrpc=2.0), rpc(jsonrpc=None), rpc(jsonrpc=["2.0"]),
    rpc(id=None), rpc(id=True), rpc(id=False), rpc(id=1.5), rpc(id=[]), rpc(id={}), rpc(id=[1]), rpc(id=1e300),
    rpc(method=...), rpc(method=None), rpc(method=1), rpc(method=[]), rpc(method={}), rpc(method=True),
    rpc(params=[]), rpc(params="x"), rpc(params=1), rpc(params=True), rpc(params=[{}]),
    rpc(method="tools/call", result={}, params=[]), rpc(method=..., result=...), rpc(method=..., params=...),
    rpc(method="unknown"), rpc(method="tools"), rpc(method="/"), rpc(method="rpc.discover"), rpc(method="__class__"),
    rpc(method="tools/call\n"), rpc(method="x" * 100_000), rpc(method="\u202e"), rpc(method="$/cancelRequest"),
    rpc(params=...), rpc(params=None), rpc(params={}), params(name=...), params(name=None), params(name=1), params(name=[]),
    params(name={}), params(name=""), params(name="unknown"), params(name="x" * 100_000), params(name="../list-jobs"),
    params(name="LIST-JOBS"), params(name=" list-jobs"), params(name="\u0000"), params(name=True),
    params(arguments=[]), params(arguments="x"), params(arguments=1), params(arguments=True), params(arguments=[{}]),
    params(_meta=1), params(_meta=[]), params(_meta="x"), params(_meta=True),
    params(_meta={**META, "progressToken": 1.5}), params(_meta={**META, "progressToken": []}),
    params(_meta={**META, "progressToken": True}), params(_meta={**META, "progressToken": {}}),
    of("tools/list", cursor=1), of("tools/list", cursor=[]), of("tools/list", cursor="x"),
    of("tools/list", cursor="x" * 100_000),
    of("tools/list", cursor=""), of("tools/list", cursor="\u00e9"), of("tools/list", cursor={}), of("tools/list", cursor=True),
    of("resources/list", cursor="x"), of("resources/templates/list", cursor="x"), of("prompts/list", cursor="x"),
    of("resources/read"), of("resources/read", uri=None), of("resources/read", uri=1), of("resources/read", uri=[]),
    of("resources/read", uri=""), of("resources/read", uri="file:///etc/passwd"), of("resources/read", uri="training://jobs//log"),
    of("resources/read", uri="training://jobs/1"), of("resources/read", uri="x" * 100_000), of("resources/read", uri="\u0000"),
    of("prompts/get"), of("prompts/get", name=1), of("prompts/get", name="unknown"), of("prompts/get", name="summary"),
    of("prompts/get", name="summary", arguments=[]), of("prompts/get", name="summary", arguments={"language": "en"}),
    of("completion/complete"), of("completion/complete", ref=1, argument={}), of("completion/complete", ref={}, argument={}),
    of("completion/complete", ref={"type": "ref/prompt"}, argument={"name": "a", "value": ""}),
    of("completion/complete", ref={"type": "ref/prompt", "name": "summary"}, argument={"name": 1, "value": ""}),
    of("completion/complete", ref={"type": "ref/x", "name": "summary"}, argument={"name": "a", "value": ""}),
    of("completion/complete", ref={"type": "ref/resource", "uri": []}, argument={"name": "a", "value": ""}),
    of("initialize"), of("initialize", protocolVersion=1), of("initialize", protocolVersion="2025-11-25"),
    of("initialize", protocolVersion="2025-11-25", capabilities=[], clientInfo={}),
    of("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "c"}),
    of("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": 1, "version": 2}),
]  # fmt: skip

META_MODERN = [
    {}, {V: "2026-07-28"}, {C: {}}, {V: None, C: {}}, {V: 1, C: {}}, {V: [], C: {}}, {V: "", C: {}}, {V: "2025-11-25", C: {}},
    {V: "2026-07-28", C: None}, {V: "2026-07-28", C: []}, {V: "2026-07-28", C: "x"}, {V: "2026-07-28", C: 1},
    {**META, "io.modelcontextprotocol/clientInfo": 1}, {**META, "io.modelcontextprotocol/clientInfo": {}},
    {**META, "io.modelcontextprotocol/clientInfo": {"name": "c", "version": 1}},
]  # fmt: skip

MESSAGES = [*BYTES, *BODIES]
ENVELOPES = [params(_meta=meta) for meta in META_MODERN]
