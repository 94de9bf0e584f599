"""``skills`` of a skill exposure become ``Skill``s: metadata, the directory they live in, and what their tools stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, suggest
from naftiko_run.exposes.directories import list_files
from naftiko_run.exposes.exposure import Skill, SkillExposure, SkillTool
from naftiko_run.exposes.exposure_types import EXPOSURE_TYPES, ExposesContext
from naftiko_run.exposes.locations import locate

_LONGEST = {"description": 1024, "compatibility": 500, "allowed-tools": 1024}
FRONTMATTER = ("license", "compatibility", "allowed-tools", "argument-hint", "user-invocable", "disable-model-invocation")


@EXPOSURE_TYPES.register("skill", "agent-skill")
def _skill_exposure(node: Node, common: dict[str, Any], context: ExposesContext, problems: Problems) -> SkillExposure:
    own = common["namespace"]
    skills = tuple(_compile(name, item, own, context, problems) for name, item in node.named("skills") if name)
    return SkillExposure(**common, skills=skills)


def _compile(name: str, node: Node, own: str, context: ExposesContext, problems: Problems) -> Skill:
    location = node.get("location")
    directory = ""
    path = locate(location, context.directory, problems) if location is not None else None
    if path is not None and location is not None:
        directory = str(path)
        if not path.is_dir():
            problems.warn(
                "W-LOCATION-MISSING",
                f"directory {location.text!r} does not exist; the skill's metadata is served alone",
                location,
                "create it, or correct `location`",
            )
    _check_lengths(name, node, problems)
    frontmatter: dict[str, object] = {}
    for key in FRONTMATTER:
        child = node.get(key)
        if child is not None:
            frontmatter[key] = " ".join(node.texts(key)) if child.is_list else child.value
    metadata = node.get("metadata")
    return Skill(
        name=name,
        description=node.get_text("description"),
        frontmatter=frontmatter,
        metadata={key: value.text for key, value in metadata.items()} if metadata is not None else {},
        directory=directory,
        tools=tuple(_tools(name, node, own, directory, context, problems)),
        at=node.location,
    )


def _check_lengths(skill: str, node: Node, problems: Problems) -> None:
    for key, most in _LONGEST.items():
        value = node.get(key)
        if value is not None and len(" ".join(node.texts(key))) > most:
            message = f"`{key}` of skill {skill!r} is longer than {most} characters"
            problems.warn("W-SKILL-LENGTH", message, value, "agents may cut it")


def _tools(
    skill: str, node: Node, own: str, directory: str, context: ExposesContext, problems: Problems
) -> Iterator[SkillTool]:
    siblings = {s.get_text("namespace"): s for s in context.siblings if s.get_text("type") in ("rest", "api", "mcp")}
    for name, item in node.named("tools"):
        origin, instruction = item.get("from"), item.get("instruction")
        if (origin is None) == (instruction is None):
            problems.error(
                "E-SKILL-TOOL",
                f"tool {name!r} of skill {skill!r} needs exactly one of `from` and `instruction`",
                item,
                "write from: {sourceNamespace: NAMESPACE, action: NAME}, or instruction: FILE",
            )
            continue
        if instruction is not None:
            if not directory:
                problems.error(
                    "E-SKILL-LOCATION",
                    f"tool {name!r} has an `instruction`, and skill {skill!r} no `location`",
                    instruction,
                    "give the skill the `location` of its files",
                )
                continue
            files = list_files(directory)
            if instruction.text not in files:
                message = f"instruction {instruction.text!r} is no file of skill {skill!r}"
                problems.warn("W-SKILL-INSTRUCTION", message, instruction, suggest(instruction.text, files))
            yield SkillTool(name=name, description=item.get_text("description"), instruction=instruction.text)
            continue
        namespace = origin.get_text("sourceNamespace") if origin is not None else ""
        sibling = siblings.get(namespace)
        if sibling is None or namespace == own:
            problems.error("E-SKILL-SOURCE", f"unknown sibling {namespace!r}", origin, suggest(namespace, siblings))
            continue
        action = origin.get_text("action") if origin is not None else ""
        _check_action(action, sibling, origin, problems)
        mode = "mcp" if sibling.get_text("type") == "mcp" else "rest"
        yield SkillTool(
            name=name, description=item.get_text("description"), source_namespace=namespace, action=action, mode=mode
        )  # fmt: skip


def _check_action(action: str, sibling: Node, at: Node | None, problems: Problems) -> None:
    if sibling.get_text("type") == "mcp":
        known = [name for name, _ in sibling.named("tools")]
    else:
        known = [name for _, resource in sibling.named("resources") for name, _ in resource.named("operations")]
    if action not in known:
        problems.warn(
            "W-SKILL-ACTION", f"{sibling.get_text('namespace')!r} has no action {action!r}", at, suggest(action, known)
        )
