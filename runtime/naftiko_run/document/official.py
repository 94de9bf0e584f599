"""A normalised document in, whether it keeps to the official language out: published files mean some things otherwise."""

from __future__ import annotations

from naftiko_run.document.nodes import Node
from naftiko_run.document.sections import section_entries


def keeps_to_the_official_language(section: Node) -> bool:
    """Whether the file keeps to the official language, where a declared tool input is required unless it says otherwise.

    The published network writes types into consumed inputs and ``rest.``/``tools.`` into references, and means optional.
    """
    for entry in section_entries(section.get("consumes")):
        for _, resource in entry.named("resources"):
            for _, operation in resource.named("operations"):
                for _, item in operation.named("inputParameters"):
                    if item.get("type", "required", "description") is not None:
                        return False
    for part in (section.get("consumes"), section.get("exposes")):
        if part is not None and any(map(_is_published_form, part.walk())):
            return False
    return True


def _is_published_form(node: Node) -> bool:
    """Forms that only published files use: ``rest.x`` and ``tools.x``, and inputs that say where they go."""
    if isinstance(node.value, str) and node.value.startswith(("rest.", "tools.", "{{tools.", "{{rest.")):
        return True
    if node.key != "inputParameters":
        return False
    inputs = [*node.elements(), *(item for _, item in node.items())]
    return any(item.get("mapping") is not None for item in inputs)
