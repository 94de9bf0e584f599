"""The skill adapter: a catalogue of agent skills, their metadata, contents and archives. It reads files and runs nothing.

Every file is opened through ``directories``, one component at a time and never through a link, so a request cannot leave a
skill's directory; what is listed is exactly what can be read.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Sequence
from urllib.parse import quote, unquote

from naftiko_run.errors import BodyTooLarge, MalformedRequest, MethodNotAllowed, NotFound, RequestError
from naftiko_run.exposes.answers import json_answer, problem
from naftiko_run.exposes.directories import NotServed, TooLarge, file_size, is_plain, list_files, media_type, read_file
from naftiko_run.exposes.exposure import Skill, SkillExposure, SkillTool
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.limits import DEFAULT_LIMITS, Limits


class SkillAdapter:
    """Live. Several exposures on one port are one catalogue; of two skills with one name the first is served."""

    def __init__(self, exposures: Sequence[SkillExposure], *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._skills: dict[str, Skill] = {}
        for exposure in exposures:
            for skill in exposure.skills:
                self._skills.setdefault(skill.name, skill)

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        try:
            return await self._handle(request)
        except RequestError as error:
            return problem(error, request.request_id)

    async def _handle(self, request: HttpRequest) -> HttpAnswer:
        segments = [unquote(segment) for segment in request.path.strip("/").split("/")]
        if segments[0] != "skills":
            raise NotFound(f"nothing is served at {request.path!r}", hint="GET /skills lists the skills")
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{request.method} is not served here", allow=("GET", "HEAD"))
        if len(segments) == 1:
            return json_answer({"count": len(self._skills), "skills": [_summary(s) for s in self._skills.values()]})
        skill = self._skills.get(segments[1])
        if skill is None:
            raise NotFound(f"there is no skill {segments[1]!r}", hint="GET /skills lists the skills")
        return await self._of_skill(skill, segments[2:])

    async def _of_skill(self, skill: Skill, rest: list[str]) -> HttpAnswer:
        if not rest:
            return json_answer(_detail(skill))
        if rest == ["download"]:
            content = await asyncio.to_thread(_archive, skill, self._limits)
            name = quote(skill.name, safe="")
            headers = [("Content-Type", "application/zip"), ("Content-Disposition", f'attachment; filename="{name}.zip"')]
            return HttpAnswer(status=200, headers=headers, body=content)
        if rest[0] != "contents":
            raise NotFound(f"a skill has no {rest[0]!r}", hint="download, contents or contents/FILE")
        if len(rest) == 1:
            return json_answer({"name": skill.name, "files": await asyncio.to_thread(_files, skill)})
        return await asyncio.to_thread(_file, skill, rest[1:], self._limits)


def _summary(skill: Skill) -> dict[str, object]:
    found: dict[str, object] = {"name": skill.name, "description": skill.description}
    if "license" in skill.frontmatter:
        found["license"] = skill.frontmatter["license"]
    return {**found, "tools": [tool.name for tool in skill.tools]}


def _detail(skill: Skill) -> dict[str, object]:
    found: dict[str, object] = {"name": skill.name, "description": skill.description, **skill.frontmatter}
    if skill.metadata:
        found["metadata"] = dict(skill.metadata)
    return {**found, "tools": [_tool(tool) for tool in skill.tools]}


def _tool(tool: SkillTool) -> dict[str, object]:
    found: dict[str, object] = {"name": tool.name, "description": tool.description}
    if tool.instruction:
        return {**found, "type": "instruction", "instruction": tool.instruction}
    reference = {"targetNamespace": tool.source_namespace, "action": tool.action, "mode": tool.mode}
    return {**found, "type": "derived", "invocationRef": reference}


# ---- files


def _names(skill: Skill) -> list[str]:
    names = list_files(skill.directory) if skill.directory else []
    if not names:
        raise NotFound(f"skill {skill.name!r} has no files")
    return names


def _files(skill: Skill) -> list[dict[str, object]]:
    return [{"path": name, "size": file_size(skill.directory, name), "type": media_type(name)} for name in _names(skill)]


def _file(skill: Skill, segments: list[str], limits: Limits) -> HttpAnswer:
    if not all(map(is_plain, segments)):
        raise MalformedRequest("a file of a skill is named by plain path segments", hint="letters, digits, '.', '_' and '-'")
    path = "/".join(segments)
    if not skill.directory:
        raise NotFound(f"skill {skill.name!r} has no files")
    try:
        content = read_file(skill.directory, path, limits.skill_file)
    except NotServed:
        raise NotFound(f"skill {skill.name!r} has no file {path!r}", hint="contents lists its files") from None
    except TooLarge:
        raise BodyTooLarge(f"file {path!r} is larger than {limits.skill_file} bytes") from None
    return HttpAnswer(status=200, headers=[("Content-Type", media_type(path))], body=content)


def _archive(skill: Skill, limits: Limits) -> bytes:
    names = _names(skill)
    if len(names) > limits.skill_entries:
        raise BodyTooLarge(f"skill {skill.name!r} has more than {limits.skill_entries} files")
    target, total = io.BytesIO(), 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            try:
                content = read_file(skill.directory, name, limits.skill_file)
            except NotServed:
                continue  # removed since it was listed
            except TooLarge:
                raise BodyTooLarge(f"file {name!r} of skill {skill.name!r} is larger than {limits.skill_file} bytes") from None
            total += len(content)
            if total > limits.skill_archive:
                raise BodyTooLarge(f"skill {skill.name!r} is larger than {limits.skill_archive} bytes")
            # A fixed date: the same files give the same archive.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()
