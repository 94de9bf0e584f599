"""Loading: a file becomes one plan, with everything there is to say about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko_run.capability import LoadOptions, is_self_call, load, serves_anything
from naftiko_run.errors import DocumentErrors
from naftiko_run.exposes.exposure import McpExposure, RestExposure
from plan import compile_text, query_of, service

FIND = [{"name": "find", "inputParameters": [{"name": "q", "in": "query", "type": "string"}]}]


def test_a_plan_holds_what_the_file_says(tmp_path: Path):
    file = tmp_path / "shop.yaml"
    file.write_text("info: {label: Shop, version: '1.10', description: Sells.}\n" + service(FIND), encoding="utf-8")

    capability = load(file)

    assert (capability.name, capability.label, capability.version, capability.description) == ("shop", "Shop", "1.10", "Sells.")
    assert [op.ref for op in capability.operations] == ["shop.find"]
    assert [flow.name for flow in capability.flows] == ["find"]
    assert serves_anything(capability)


def test_all_mistakes_are_reported_together(tmp_path: Path):
    tools = [{"name": "a", "call": "shop.x"}, {"name": "b"}, {"name": "ok", "call": "shop.find"}]
    plan = compile_text(service([{"name": "bad", "method": "FETCH"}, *FIND], tools=tools))

    assert {finding.code for finding in plan.capability.errors} == {"E-CALL-UNRESOLVED", "E-NO-CALL", "E-METHOD"}


def test_a_file_of_which_nothing_can_be_served_is_refused():
    with pytest.raises(DocumentErrors) as caught:
        compile_text(service(FIND, tools=[{"name": "a", "call": "nothing.here"}]))

    assert [finding.code for finding in caught.value.findings] == ["E-CALL-UNRESOLVED"]


@pytest.mark.parametrize(
    ("dialect", "required"),
    [({"name": "q", "in": "query"}, True), ({"name": "q", "in": "query", "type": "string"}, False)],
    ids=["the language", "the published network"],
)
def test_an_input_that_does_not_say_is_required_in_the_language_only(dialect, required):
    tool = {
        "name": "t",
        "description": "T",
        "call": "shop.find",
        "inputParameters": [{"name": "q", "type": "string", "description": "Q"}],
    }
    plan = compile_text(service([{"name": "find", "inputParameters": [dialect]}], tools=[tool]))

    assert [one.required for one in plan.tool("t").flow.inputs] == [required]


def test_operations_can_be_exposed_automatically(tmp_path: Path):
    file = tmp_path / "shop.yaml"
    file.write_text(service(FIND, path="/things/{id}", tools=[], routes=[]), encoding="utf-8")

    with pytest.raises(DocumentErrors, match="E-NOTHING-EXPOSED"):
        load(file)
    rest, mcp = load(file, LoadOptions(expose_all=True)).exposures

    assert isinstance(rest, RestExposure)
    assert isinstance(mcp, McpExposure)
    assert [(route.method, route.path) for route in rest.routes] == [("GET", "/shop/things/{id}")]
    assert [tool.name for tool in mcp.tools] == ["shop-find"]


def test_an_override_is_neither_empty_nor_a_self_call():
    plan = compile_text(service(FIND, baseUri="http://localhost:9090"), base_uris={"shop": "http://127.0.0.1:9090"})

    assert plan.codes() == []
    assert not is_self_call(plan.operation("shop.find").consumer, {9090})


def test_moving_our_port_makes_a_self_call_an_ordinary_one():
    assert compile_text(service(FIND, baseUri="http://localhost:9090"), port_of=lambda port: port + 1).codes() == []


def test_given_credentials_stand_in_where_the_file_declares_none():
    given = {"shop": {"type": "bearer", "token": "{{TOKEN}}"}}

    assert compile_text(service(FIND), credentials=given).operation("shop.find").consumer.authentication.kind == "bearer"
    own = compile_text(service(FIND, authentication={"type": "basic", "username": "u"}), credentials=given)
    assert own.operation("shop.find").consumer.authentication.kind == "basic"


def test_variables_are_listed_with_the_place_that_uses_them():
    plan = compile_text(
        service(
            [{"name": "add", "method": "POST", "body": {"type": "json", "data": {"k": "{{env.BODY_KEY}}"}}}],
            path="/{{ACCOUNT}}",
            authentication={"type": "bearer", "token": "{{env.TOKEN}}"},
            headers={"X-V": "{{VERSION}}"},
        )
    )

    assert set(plan.capability.uses) == {"env.BODY_KEY", "ACCOUNT", "env.TOKEN", "VERSION"}


def test_static_headers_and_entry_inputs_apply_to_every_operation():
    plan = compile_text(service(FIND, inputParameters=[{"name": "v", "in": "query", "value": "2"}]))

    assert query_of(plan.request("shop.find", q="x")) == [("v", "2"), ("q", "x")]


def test_loading_leaves_the_collector_as_it_was(tmp_path: Path):
    import gc

    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(DocumentErrors):
        load(tmp_path / "bad.yaml")
    assert gc.isenabled()
