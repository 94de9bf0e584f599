"""``skills`` of a skill exposure become ``Skill``s: metadata, the directory they live in, and what their tools stand for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, suggest
from naftiko_run.exposes.exposure import Skill, SkillTool

if TYPE_CHECKING:
    from naftiko_run.exposes.compile import ExposesContext

FRONTMATTER = ("license", "compatibility", "allowed-tools", "argument-hint", "user-invocable", "disable-model-invocation")


def compile_skills(node: Node, own: str, context: ExposesContext, problems: Problems) -> tuple[Skill, ...]:
    return tuple(_compile(name, item, own, context, problems) for name, item in node.named("skills") if name)


def _compile(name: str, node: Node, own: str, context: ExposesContext, problems: Problems) -> Skill:
    location = node.get("location")
    directory = ""
    if location is not None:
        text = location.text.removeprefix("file://")
        path = (context.directory / (text[1:] if text.startswith("/./") else text)).resolve()
        directory = str(path)
        if not path.is_dir():
            problems.warn("W-LOCATION-MISSING", f"directory {location.text!r} does not exist; the skill's metadata is served alone", location)
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
        tools=tuple(_tools(name, node, own, bool(directory), context, problems)),
        at=node.location,
    )


def _tools(
    skill: str, node: Node, own: str, located: bool, context: ExposesContext, problems: Problems
) -> Iterator[SkillTool]:
    siblings = {s.get_text("namespace"): s for s in context.siblings if s.get_text("type") in ("rest", "api", "mcp")}
    for name, item in node.named("tools"):
        origin, instruction = item.get("from"), item.get("instruction")
        if (origin is None) == (instruction is None):
            problems.error("E-SKILL-TOOL", f"tool {name!r} of skill {skill!r} needs exactly one of `from` and `instruction`", item)
            continue
        if instruction is not None:
            if not located:
                problems.error("E-SKILL-LOCATION", f"tool {name!r} has an `instruction`, and skill {skill!r} no `location`", instruction)
                continue
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
        problems.warn("W-SKILL-ACTION", f"{sibling.get_text('namespace')!r} has no action {action!r}", at, suggest(action, known))
