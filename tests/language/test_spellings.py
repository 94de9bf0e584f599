"""The two spellings of the language, lists with names and maps by name, mean the same: their plans are equal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naftiko_run.capability import Capability, load
from plans import plan_of

Model = dict[str, Any]


# ---- spelling one model in two ways


class Spelling:
    """``newer``: maps by name, ``ikanos``, ``display``, ``flows``, ``target``; else lists, ``naftiko``, ``label``, ..."""

    def __init__(self, newer: bool) -> None:
        self.newer = newer
        self.label = "display" if newer else "label"

    def named(self, items: dict[str, Model], within: Any = None) -> Any:
        spelt = {name: within(item) if within else item for name, item in items.items()}
        return spelt if self.newer else [{"name": name, **item} for name, item in spelt.items()]

    def flow(self, unit: Model) -> Model:
        unit = dict(unit)
        if "inputParameters" in unit:
            unit["inputParameters"] = self.named(unit["inputParameters"])
        if "steps" in unit:
            unit["steps"] = self.named(unit["steps"])
        if "mappings" in unit:
            key = "target" if self.newer else "targetName"
            unit["mappings"] = [{key: target, "value": value} for target, value in unit["mappings"].items()]
        if "mock" in unit:
            unit["outputParameters"] = self.named(unit.pop("mock"))
        if "label" in unit:
            unit[self.label] = unit.pop("label")
        return unit

    def consumer(self, one: Model) -> Model:
        def operation(item: Model) -> Model:
            item = self.flow(item)
            return {
                **item,
                **({"outputParameters": self.named(item["outputParameters"])} if "outputParameters" in item else {}),
            }

        def resource(item: Model) -> Model:
            return {**item, "operations": self.named(item["operations"], operation)}

        return {**one, "resources": self.named(one["resources"], resource)}

    def exposure(self, one: Model) -> Model:
        one = dict(one)
        if one["type"] == "rest":
            one["resources"] = self.named(
                one["resources"], lambda r: {**r, "operations": self.named(r["operations"], self.flow)}
            )
        else:
            for key in ("tools", "resources"):
                one[key] = self.named(one[key], self.flow)
            one["prompts"] = self.named(
                one["prompts"], lambda p: {**p, self.label: "P", "arguments": self.named(p["arguments"])}
            )
        return one

    def document(self, model: Model) -> Model:
        capability = {
            "consumes": [self.consumer(one) for one in model["consumes"]],
            "exposes": [self.exposure(one) for one in model["exposes"]],
        }
        if model["aggregates"]:
            flows = "flows" if self.newer else "functions"
            capability["aggregates"] = [
                {self.label: "A", "namespace": name, flows: self.named(items, self.flow)}
                for name, items in model["aggregates"].items()
            ]
        version = {"ikanos": "1.0.0-beta5"} if self.newer else {"naftiko": "1.0.0-alpha2"}
        return {
            **version,
            "info": {self.label: "Generated", "description": "G."},
            "binds": model["binds"],
            "capability": capability,
        }


# ---- generating models

NAMES = st.sampled_from(["id", "ship", "berth", "tide", "crew-list", "owner"])
TYPES = st.sampled_from(["string", "number", "boolean", "array", "object"])
PATHS = st.sampled_from(["$.", "$.a", "$.a.b", "$.list[*].name", "$['x y']", "$.list[0]"])
VALUES = st.one_of(
    st.sampled_from(["{{id}}", "fixed", "desk.id", "{{ship}}-{{berth}}", "$.x"]), st.integers(0, 9), st.booleans()
)


def entries(values: st.SearchStrategy[Any], low: int = 0, high: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, values, min_size=low, max_size=high)


def optional(**keys: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return keys


inputs = entries(
    st.fixed_dictionaries({"type": TYPES, "description": st.just("D.")}, optional=optional(required=st.booleans()))
)
consumed_inputs = entries(
    st.fixed_dictionaries(
        {"in": st.sampled_from(["query", "header", "body"])}, optional=optional(value=st.sampled_from(["{{id}}", "1"]))
    )
)
consumed_outputs = entries(st.fixed_dictionaries({"type": TYPES, "value": PATHS}), 1)
operations = st.fixed_dictionaries(
    {"method": st.sampled_from(["GET", "POST", "PUT", "DELETE"])},
    optional=optional(
        inputParameters=consumed_inputs,
        outputParameters=consumed_outputs,
        outputRawFormat=st.sampled_from(["json", "xml", "csv"]),
        description=st.just("O."),
        label=st.just("Operation"),
        body=st.sampled_from(['{"n": {{id}}}', {"type": "json", "data": {"n": "{{id}}"}}, {"type": "text", "data": "{{id}}"}]),
    ),
)
mapped_outputs = st.lists(
    st.one_of(
        st.fixed_dictionaries({"type": st.sampled_from(["string", "number"]), "mapping": PATHS}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": entries(st.fixed_dictionaries({"type": TYPES, "mapping": PATHS}), 1)}
        ),
        st.fixed_dictionaries(
            {
                "type": st.just("array"),
                "mapping": PATHS,
                "items": st.fixed_dictionaries({"type": st.just("string"), "mapping": PATHS}),
            }
        ),
    ),
    min_size=1,
    max_size=2,
)
common = optional(inputParameters=inputs, label=st.just("Unit"))
calls = st.fixed_dictionaries(
    {"description": st.just("U."), "call": st.just("up.read")},
    optional={**common, **optional(**{"with": entries(VALUES), "outputParameters": mapped_outputs})},
)
mocks = st.fixed_dictionaries(
    {
        "description": st.just("U."),
        "mock": entries(st.fixed_dictionaries({"type": st.just("string"), "value": st.sampled_from(["hi", "{{id}}"])}), 1),
    },
    optional=common,
)
steps = st.fixed_dictionaries(
    {
        "description": st.just("U."),
        "steps": st.fixed_dictionaries(
            {
                "first": st.fixed_dictionaries(
                    {"type": st.just("call"), "call": st.just("up.read")}, optional=optional(**{"with": entries(VALUES)})
                )
            },
            optional=optional(
                second=st.fixed_dictionaries(
                    {"type": st.just("call"), "call": st.just("up.write"), "with": st.just({"id": "$.first.id"})}
                ),
                third=st.just(
                    {"type": "lookup", "index": "first", "match": "id", "lookupValue": "{{id}}", "outputParameters": ["n"]}
                ),
            ),
        ),
        "mappings": st.dictionaries(
            st.sampled_from(["a", "a.b", "c.d.e"]), st.sampled_from(["$.first.x", "{{id}}", "fixed"]), min_size=1, max_size=2
        ),
    },
    optional=common,
)
units = st.one_of(calls, steps, mocks)
refs = st.fixed_dictionaries(
    {"ref": st.just("shared.flow")}, optional=optional(description=st.just("R."), **{"with": entries(VALUES, 1)})
)


@st.composite
def models(draw: st.DrawFn) -> Model:
    shared = draw(st.booleans())
    unit = st.one_of(units, refs) if shared else units
    read, write = draw(operations), draw(operations)
    resources = {
        "things": {
            "path": draw(st.sampled_from(["/things", "/things/{id}", "/{{id}}"])),
            "operations": {"read": read, "write": write},
        }
    }
    extra = draw(
        st.fixed_dictionaries(
            {}, optional=optional(description=st.just("Up."), authentication=st.just({"type": "bearer", "token": "{{TOKEN}}"}))
        )
    )
    routes = {
        name: {"path": f"/{name}", "operations": {"do": {"method": "GET", **draw(unit)}}}
        for name in draw(st.sets(NAMES, max_size=2))
    }
    routes["id"] = {"path": "/id/{id}", "operations": {"do": {"method": "POST", **draw(units)}}}
    dynamic = {"fleet": {"label": "Fleet", "uri": "up://fleet/{id}", "description": "R.", "call": "up.read"}}
    return {
        "binds": [{"namespace": "keys", "keys": {"TOKEN": "TOKEN"}}],
        "consumes": [{"type": "http", "namespace": "up", "baseUri": "https://up.test/v1", "resources": resources, **extra}],
        "aggregates": {"shared": {"flow": {**draw(units), "description": "S."}}} if shared else {},
        "exposes": [
            {"type": "rest", "namespace": "desk", "port": 8080, "resources": routes},
            {
                "type": "mcp",
                "namespace": "desk",
                "port": 9090,
                "tools": {"tool": draw(unit), "other": draw(unit)},
                "resources": dynamic,
                "prompts": {
                    "ask": {
                        "description": "A.",
                        "arguments": {"who": {"description": "W."}},
                        "template": [{"role": "user", "content": "{{who}}"}],
                    }
                },
            },
        ],
    }


def compiled(model: Model, tmp_path, *, newer: bool) -> Capability:
    file = tmp_path / "capability.yaml"
    file.write_text(json.dumps(Spelling(newer).document(model)))
    return load(file)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(model=models())
def test_both_spellings_compile_to_equal_plans(model, tmp_path):
    older, newer = compiled(model, tmp_path, newer=False), compiled(model, tmp_path, newer=True)

    assert plan_of(older) == plan_of(newer)
    assert [f.code for f in older.findings] == [f.code for f in newer.findings]


@pytest.mark.parametrize(
    ("old", "new"),
    [('"$.a"', '"$.b"'), ('"GET"', '"PUT"'), ('"fixed"', '"other"'), ('"string"', '"number"'), ("/v1", "/v2")],
    ids=["a path", "a method", "a constant", "a type", "a base URI"],
)
def test_plans_that_differ_are_told_apart(tmp_path, old, new):
    outputs = [{"type": "object", "properties": {"a": {"type": "string", "mapping": "$.a"}}}]
    tool = {
        "description": "T.",
        "call": "up.read",
        "with": {"id": "fixed"},
        "outputParameters": outputs,
        "inputParameters": {"x": {"type": "string"}},
    }
    consumer = {
        "type": "http",
        "namespace": "up",
        "baseUri": "https://up.test/v1",
        "resources": {"r": {"path": "/r", "operations": {"read": {"method": "GET"}}}},
    }
    model = {
        "binds": [],
        "consumes": [consumer],
        "aggregates": {},
        "exposes": [{"type": "mcp", "namespace": "desk", "port": 1, "tools": {"t": tool}, "resources": {}, "prompts": {}}],
    }
    changed = json.loads(json.dumps(model).replace(old, new))

    assert plan_of(compiled(model, tmp_path, newer=True)) != plan_of(compiled(changed, tmp_path, newer=True))
