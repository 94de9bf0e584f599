"""The built-in upstream, without its socket: what it refuses by itself, and which answer it gives."""

from __future__ import annotations

import json

ORDERS = """
operations:
  shop.get-order:
  - when: {path.id: gone}
    status: 404
    headers: {X-Reason: 'no {{path.id}}'}
    body: {missing: '{{path.id}}'}
  - body: {id: '{{path.id}}', text: 'order {{path.id}}'}
  shop.list-orders:
  - when: {query.state: [open, held], query.page: {above: 1}}
    body: {orders: [], page: '{{query.page}}'}
  - when: {query.state: {absent: true}}
    body: {orders: all, page: '{{query.page | 1}}'}
  - text: 'state {{query.state}}'
  shop.add-order:
  - when: {body.amount: {below: 1}}
    status: 422
    body: {error: too few}
  - status: 201
    body: {sku: '{{body.sku}}', amount: '{{body.amount}}', note: '{{body.gift.note | none}}'}
"""


def test_the_first_answer_whose_conditions_hold_is_given(ask):
    status, headers, body = ask(ORDERS)("GET", "/shop/orders/gone")

    assert (status, headers["X-Reason"], json.loads(body)) == (404, "no gone", {"missing": "gone"})


def test_a_path_value_is_decoded_and_stays_text(ask):
    _, _, body = ask(ORDERS)("GET", "/shop/orders/1%2F2")

    assert json.loads(body) == {"id": "1/2", "text": "order 1/2"}


def test_a_number_of_the_query_comes_back_as_a_number(ask):
    _, _, body = ask(ORDERS)("GET", "/shop/orders?state=held&page=2")

    assert json.loads(body) == {"orders": [], "page": 2}


def test_a_default_stands_in_for_what_was_not_sent(ask):
    _, _, body = ask(ORDERS)("GET", "/shop/orders")

    assert json.loads(body) == {"orders": "all", "page": 1}


def test_a_text_answer_goes_out_as_written(ask):
    status, headers, body = ask(ORDERS)("GET", "/shop/orders?state=open")

    assert (status, headers["Content-Type"], body) == (200, "text/plain; charset=utf-8", "state open")


def test_fields_of_the_body_keep_their_type(ask):
    status, _, body = ask(ORDERS)("POST", "/shop/orders", body=b'{"sku": "007", "amount": 3}')

    assert (status, json.loads(body)) == (201, {"sku": "007", "amount": 3, "note": "none"})


def test_a_body_may_be_a_form(ask):
    form = {"authorization": "Bearer k", "content-type": "application/x-www-form-urlencoded"}

    status, _, body = ask(ORDERS)("POST", "/shop/orders", form, b"sku=a&amount=0")

    assert (status, json.loads(body)) == (422, {"error": "too few"})


def test_no_credential_is_401(ask):
    assert ask(ORDERS)("GET", "/shop/orders", {})[0] == 401


def test_a_scheme_without_a_credential_is_401(ask):
    assert ask(ORDERS)("GET", "/shop/orders", {"authorization": "Bearer "})[0] == 401


def test_an_unknown_address_is_404(ask):
    assert ask(ORDERS)("GET", "/shop/customers")[0] == 404


def test_a_method_the_address_does_not_take_is_405(ask):
    assert ask(ORDERS)("DELETE", "/shop/orders")[0] == 405


def test_a_missing_required_field_is_named(ask):
    status, _, body = ask(ORDERS)("POST", "/shop/orders", body=b"{}")

    assert (status, json.loads(body)["parameter"]) == (400, "sku")


def test_a_query_value_of_another_type_is_named(ask):
    status, _, body = ask(ORDERS)("GET", "/shop/orders?page=two")

    assert (status, json.loads(body)) == (
        400,
        {"error": "query parameter 'page' has to be of type integer", "parameter": "page"},
    )


def test_a_body_that_is_not_json_is_refused(ask):
    assert ask(ORDERS)("POST", "/shop/orders", body=b"{sku")[0] == 400


def test_refusals_are_worded_by_the_document(ask):
    worded = """
    refusals:
      invalid: {status: 422, body: {errors: [{param: '{{refusal.name}}', details: '{{refusal.message}}'}]}}
    """

    status, _, body = ask(worded)("POST", "/shop/orders", body=b"{}")

    assert (status, json.loads(body)) == (422, {"errors": [{"param": "sku", "details": "body parameter 'sku' is required"}]})


TWINS = """
capability:
  consumes:
  - namespace: shop
    baseUri: https://shop.test
    resources:
    - path: /report
      operations:
      - {name: as-json, method: GET, inputParameters: [{name: Accept, in: header, value: application/json}]}
      - {name: as-csv, method: GET, inputParameters: [{name: Accept, in: header, value: text/csv}], outputRawFormat: csv}
    - path: /report/{id}
      operations: [{name: one, method: GET}]
    - path: /report/latest
      operations: [{name: latest, method: GET}]
"""


def test_operations_at_one_address_are_told_apart_by_what_they_always_send(ask):
    send = ask("operations: {shop.as-json: {body: {kind: json}}, shop.as-csv: {text: 'kind,csv'}}", TWINS)

    answers = [send("GET", "/shop/report", {"accept": media_type})[2] for media_type in ("application/json", "text/csv")]

    assert answers == ['{"kind":"json"}', "kind,csv"]


def test_a_literal_address_comes_before_a_variable_one(ask):
    send = ask("operations: {shop.one: {body: one}, shop.latest: {body: latest}}", TWINS)

    assert send("GET", "/shop/report/latest", {})[2] == '"latest"'


def test_digest_authentication_is_challenged(ask):
    digest = "{type: digest, username: u, password: p}"
    capability = f"""
capability:
  consumes:
  - namespace: shop
    baseUri: https://shop.test
    authentication: {digest}
    resources: [{{path: /a, operations: [{{name: a, method: GET}}]}}]
"""
    status, headers, _ = ask(capability=capability)("GET", "/shop/a", {})

    assert (status, headers["WWW-Authenticate"].split()[0]) == (401, "Digest")
