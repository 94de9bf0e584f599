"""Explaining a call: what would be sent, word for word, without sending it and without reading a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko_run.authoring.explanation import explain_unit, plain
from naftiko_run.authoring.inputs import read_inputs
from naftiko_run.authoring.units import find_unit
from naftiko_run.capability import Capability, load
from naftiko_run.errors import BindingError, InvalidInputs, UnresolvedReference

SHOP = """
ikanos: 1.0.0-beta5
info: {display: Shop, description: d}
binds: [{namespace: env, keys: {SHOP_KEY: SHOP_KEY, REGION: REGION}}]
capability:
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.test/v1
    authentication: {type: basic, username: me, password: '{{SHOP_KEY}}'}
    resources:
      orders:
        path: /orders/{{id}}
        operations:
          put-order:
            method: PUT
            inputParameters: {id: {in: path}, lang: {in: query}, note: {in: body}}
            body: {type: json, data: {note: '{{note}}', fixed: 1}}
  - type: http
    namespace: regional
    baseUri: https://{{REGION}}.shop.test
    resources: {all: {path: /all, operations: {list: {method: GET}}}}
  exposes:
  - type: rest
    namespace: shop-rest
    port: 8080
    resources:
      orders:
        path: /orders/{id}
        operations:
          put-order:
            method: PUT
            call: shop.put-order
            inputParameters:
              id: {in: path, type: string, description: d}
              lang: {in: query, type: string, description: d}
              note: {in: body, type: string, description: d}
      both:
        path: /both
        operations:
          both:
            method: GET
            steps:
              first: {type: call, call: regional.list}
              second: {type: call, call: shop.put-order, with: {id: $.first.id, note: x}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Capability:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    return load(file)


def request_of(shop: Capability, unit: str, **inputs: object) -> dict[str, object]:
    return plain(explain_unit(shop, find_unit(shop, unit), inputs))["steps"][-1]["request"]


def test_the_request_is_shown_as_it_would_be_sent(shop):
    request = request_of(shop, "put-order", id="a/b", lang="de", note="hi")

    assert request["method"] == "PUT"
    assert request["url"] == "https://shop.test/v1/orders/a%2Fb?lang=de"
    assert request["body"] == '{"note":"hi","fixed":1}'
    assert ["Content-Type", "application/json"] in request["headers"]


def test_a_credential_is_shown_by_the_name_of_its_variable_whatever_its_value(shop, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "very-secret")

    request = request_of(shop, "put-order", id="1")

    assert ["Authorization", "Basic base64(me:<SHOP_KEY>)"] in request["headers"]
    assert "very-secret" not in str(request)


def test_a_required_input_that_nobody_gave_is_assumed_and_said_so(shop):
    account = explain_unit(shop, find_unit(shop, "PUT /orders/{id}"), {})

    assert account.assumed == ("id",)
    assert account.steps[0].url.endswith("/orders/<id>")


def test_a_base_uri_with_variables_names_them(shop):
    account = explain_unit(shop, find_unit(shop, "both"), {})

    assert "REGION" in account.steps[0].url


def test_what_an_earlier_step_would_give_is_shown_by_its_name(shop):
    account = explain_unit(shop, find_unit(shop, "both"), {})

    assert account.steps[1].feeds[0] == ("id", "path", "$.first.id")
    assert "first.id" in account.steps[1].url


def test_a_wrong_input_is_refused_as_a_call_would(shop):
    with pytest.raises(InvalidInputs, match="nope"):
        explain_unit(shop, find_unit(shop, "put-order"), {"id": "1", "nope": "x"})


def test_a_misspelt_unit_is_answered_with_the_nearest_one(shop):
    with pytest.raises(UnresolvedReference, match="did you mean 'put-order'") as caught:
        find_unit(shop, "putorder")

    assert caught.value.code == "E-UNIT"


def test_inputs_come_as_pairs_json_and_files(shop, tmp_path):
    (tmp_path / "note.txt").write_text("from a file")
    unit = find_unit(shop, "put-order")

    read = read_inputs(["id=7", f"note=@{tmp_path / 'note.txt'}"], '{"lang": "de", "id": 1}', unit.flow.inputs)

    assert read == {"lang": "de", "id": "7", "note": "from a file"}


@pytest.mark.parametrize(("pairs", "text"), [(["id"], ""), ([], "{"), ([], "[1]")], ids=["no value", "no JSON", "no object"])
def test_unreadable_inputs_are_a_usage_error(pairs, text):
    with pytest.raises(BindingError) as caught:
        read_inputs(pairs, text, ())

    assert caught.value.code == "E-USAGE"
