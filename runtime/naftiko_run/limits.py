"""The limits of one process, with their defaults: an operator may change any, a document may only tighten.

Sizes are bytes, times are seconds. The ids in the comments are those of the security requirements.
"""

from __future__ import annotations

from naftiko_run.records import record

KIB, MIB = 1024, 1024 * 1024


@record
class Limits:
    """Every bound, by the name an operator sets it with (``--limit``); the groups are those of the security page."""

    # L1, L2, L3: a caller's connection
    header_time: float = 10.0
    body_time: float = 30.0
    request_line: int = 8 * KIB
    header_bytes: int = 32 * KIB
    header_fields: int = 100
    keep_alive: float = 75.0
    connections: int = 1000
    streams: int = 100
    # L4: a caller's body
    request_body: int = 4 * MIB
    json_depth: int = 64
    form_fields: int = 1000
    # L5: one deadline over everything a request causes
    rest_deadline: float = 30.0
    mcp_deadline: float = 60.0
    # L6: one upstream attempt
    connect_time: float = 5.0
    idle_time: float = 15.0
    attempt_time: float = 20.0
    response_body: int = 10 * MIB
    response_header_bytes: int = 64 * KIB
    inflate_ratio: int = 100
    response_json_depth: int = 128
    # L7: bulkheads
    namespace_connections: int = 50
    namespace_idle: int = 20
    namespace_in_flight: int = 50
    namespace_queue: int = 100
    pool_wait: float = 2.0
    in_flight: int = 256
    admission_wait: float = 0.25
    # L8: a capability file
    file_bytes: int = 4 * MIB
    file_depth: int = 64
    file_events: int = 250_000
    file_scalar: int = 64 * KIB
    # L9: an imported OpenAPI document
    openapi_bytes: int = 10 * MIB
    openapi_refs: int = 10_000
    # L10: flows
    steps: int = 50
    lookup_entries: int = 100_000
    template_output: int = MIB
    jsonpath_text: int = 512
    jsonpath_nodes: int = 100_000
    # L11: formats
    csv_rows: int = 100_000
    csv_columns: int = 1_000
    csv_cell: int = 64 * KIB
    xml_depth: int = 128
    yaml_body_events: int = 200_000
    # L12: workers
    decode_time: float = 5.0
    worker_memory: int = 512 * MIB
    script_memory: int = 64 * MIB
    script_result: int = MIB
    # L13: skills
    skill_file: int = 10 * MIB
    skill_archive: int = 50 * MIB
    skill_entries: int = 2_000
    # R7: shutdown
    shutdown_grace: float = 5.0
    drain_time: float = 30.0


DEFAULT_LIMITS = Limits()
