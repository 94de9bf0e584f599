"""Plain data in, the text of a capability file out: YAML as a person would write it, or JSON."""

from __future__ import annotations

import json
import re

import yaml

_WIDTH = 110
_NUMBERLIKE = re.compile(r"[-+.0-9][-+.0-9a-fA-FxXoOeE]*")


def is_ambiguous(text: str) -> bool:
    """Whether some reader of YAML takes a text for a number though the writer's library would not quote it: ``1e3``."""
    return _NUMBERLIKE.fullmatch(text) is not None


class _Dumper(yaml.SafeDumper):
    """No aliases, lists below their key not indented, long texts as blocks."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value and not any(line.endswith(" ") for line in value.split("\n")) else None
    style = "'" if is_ambiguous(value) else style
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def write_yaml(document: object, comment: str = "") -> str:
    """``comment`` stands above the document, one ``#`` a line."""
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    return head + text


def write_json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
