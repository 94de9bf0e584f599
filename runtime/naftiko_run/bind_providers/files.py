"""``file://`` locations: a YAML, JSON or environment file below the capability's folder becomes a mapping.

Values are texts as they are written: ``042`` stays ``042``, ``true`` stays ``true``. A nested value is reached by a dotted key.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from naftiko_run.bind_providers.env_file import parse_env_text
from naftiko_run.bind_providers.provider import BIND_PROVIDERS, BindSource
from naftiko_run.document.file_location import written_path
from naftiko_run.errors import BindingError, Place

LARGEST = 1024 * 1024


@BIND_PROVIDERS.register("file")
def read_bind_file(source: BindSource) -> Mapping[str, str]:
    path = locate(source)
    return {key: value for key, value in parse_values(path, source.at).items() if key in source.keys}


def locate(source: BindSource) -> Path:
    """The file a location means: ``file:///abs`` as written, ``file://./x`` and ``file:///./x`` beside the document.

    Requirement S34: resolved first, then checked to be inside the capability's folder, or the folder a literal path names.
    """
    path = Path(written_path(source.location))
    root = path.parent if path.is_absolute() else source.base_directory
    resolved = (path if path.is_absolute() else root / path).resolve()
    if not resolved.is_relative_to(root.resolve()):
        raise BindingError(
            f"{source.location!r} leads out of {str(root)!r}",
            at=source.at,
            hint="write the absolute path of the file in location",
        )
    return resolved


def parse_values(path: Path, at: Place) -> dict[str, str]:
    """The values of one file by key, read by its suffix; without a known one, by its first character."""
    text = read_text(path, at)
    if path.suffix in (".yaml", ".yml"):
        return _parse_yaml(text, path, at)
    if path.suffix == ".json" or (path.suffix != ".env" and text.lstrip().startswith("{")):
        return _parse_json(text, path, at)
    return parse_env_text(text, name=str(path))


def read_text(path: Path, at: Place) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            raise BindingError(f"{str(path)!r} is not a regular file of at most 1 MiB", at=at)
        return path.read_text("utf-8-sig")
    except FileNotFoundError as exc:
        raise BindingError(f"the bind file {str(path)!r} does not exist", at=at, hint="create it, or correct location") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise BindingError(f"cannot read the bind file {str(path)!r}", at=at) from exc


def _parse_json(text: str, path: Path, at: Place) -> dict[str, str]:
    try:
        data = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as exc:
        line = getattr(exc, "lineno", 1)
        raise BindingError(f"{str(path)!r} is not valid JSON (line {line})", at=at) from None
    if not isinstance(data, dict):
        raise BindingError(f"{str(path)!r} holds no JSON object", at=at, hint="write one object of names and values")
    return dict(_flatten(data))


def _parse_yaml(text: str, path: Path, at: Place) -> dict[str, str]:
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as exc:
        # The library's own message quotes the line, which holds a secret.
        mark = getattr(exc, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise BindingError(f"{str(path)!r} is not valid YAML{where}", at=at) from None
    if not isinstance(root, yaml.MappingNode):
        raise BindingError(f"{str(path)!r} holds no YAML mapping", at=at, hint="write one mapping of names and values")
    return dict(_flatten(_plain(root)))


def _plain(node: object, depth: int = 0) -> object:
    """Composed YAML as mappings of texts: scalars keep their source text, a null is none."""
    import yaml

    if isinstance(node, yaml.MappingNode) and depth < 16:
        return {key.value: _plain(value, depth + 1) for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    if isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:null":
        return str(node.value)
    return None


def _flatten(data: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(data, dict):
        return
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, bool):
            yield f"{prefix}{key}", "true" if value else "false"
        elif isinstance(value, str):
            yield f"{prefix}{key}", value
