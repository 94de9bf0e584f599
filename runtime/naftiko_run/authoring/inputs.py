"""Words of a command line become the raw inputs of a flow: ``name=value`` pairs, or one JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from naftiko_run.errors import BindingError
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.values import load_json


def read_inputs(pairs: Iterable[str], json_text: str, inputs: Iterable[InputParameter]) -> dict[str, object]:
    """``--input`` words over ``--json-input``. A repeated name is a list; ``name=@file`` reads a file's text."""
    values = _object(json_text) if json_text else {}
    arrays = {spelling for one in inputs if one.type == "array" for spelling in (one.name, one.published)}
    given: dict[str, list[object]] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise BindingError(f"--input {pair!r} is not NAME=VALUE", code="E-USAGE")
        given.setdefault(name, []).append(_file(text[1:]) if text.startswith("@") else text)
    for name, found in given.items():
        values[name] = found if len(found) > 1 or (name in arrays and not str(found[0]).startswith("[")) else found[0]
    return values


def _object(text: str) -> dict[str, object]:
    try:
        value = load_json(_file(text[1:]) if text.startswith("@") else text)
    except ValueError:
        raise BindingError(
            "--json-input is not valid JSON", code="E-USAGE", hint="""write --json-input '{"id": 1}'"""
        ) from None
    if not isinstance(value, dict):
        raise BindingError("--json-input is no JSON object", code="E-USAGE", hint='inputs by name: {"id": 1}')
    return value


def _file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BindingError(f"the input file {name!r} cannot be read", code="E-FILE") from error


def sample_inputs(inputs: Iterable[InputParameter]) -> dict[str, object]:
    """A value for every required input that has none of its own: what an explanation shows where nobody gave one."""
    return {one.name: _sample(one) for one in inputs if one.required and one.default is None and one.constant is None}


def _sample(one: InputParameter) -> object:
    if one.enum:
        return one.enum[0]
    low = one.minimum if one.minimum is not None else 1
    samples: dict[str, object] = {
        "integer": int(low), "number": low, "boolean": True, "array": [], "object": {}, "any": {},
    }  # fmt: skip
    return samples.get(one.type, f"<{one.published}>")
