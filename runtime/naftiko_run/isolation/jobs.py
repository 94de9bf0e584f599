"""What worker processes can do: a job's name becomes the module that does it and how tightly its process is locked in.

Modules stand here by name, because they lie further to the right; a worker imports its one and calls ``open_job(name)``, which
returns the function from payload to result.
"""

from __future__ import annotations

from typing import Literal

from naftiko_run.records import record
from naftiko_run.registry import Registry

Profile = Literal["closed", "hosting"]
"""``closed`` computes and answers, nothing else. ``hosting`` may also start one program, read-only: an interpreter that is a
process of its own."""


@record
class Job:
    module: str
    profile: Profile = "closed"
    # Runs code that somebody wrote, so a process without a system-call filter is not enough (requirement S51).
    needs_filter: bool = False


class Refused(Exception):
    """A job's own, orderly no: ``message`` is a sentence for the caller, ``kind`` a word for the code in between."""

    def __init__(self, message: str, *, kind: str = "") -> None:
        super().__init__(message)
        self.message, self.kind = message, kind


JOBS: Registry[Job] = Registry("worker job")

for _format in ("xml", "html", "markdown", "avro", "protobuf"):
    JOBS.register(f"decode-{_format}")(Job(module="naftiko_run.consumes.formats.worker"))
JOBS.register("script-javascript")(Job(module="naftiko_run.flows.scripts.javascript", needs_filter=True))
JOBS.register("script-python")(Job(module="naftiko_run.flows.scripts.python", profile="hosting", needs_filter=True))
