"""``call``: the operation it means, a guess that is said, or one error with the nearest names."""

from __future__ import annotations

import pytest

from plan import Plan, compile_text

TWO = """
capability:
  consumes:
  - namespace: shop
    baseUri: https://shop.test
    resources:
    - name: orders
      path: /orders
      operations:
      - {name: list-orders, method: GET}
      - {id: by-id, method: GET}
      - {name: with.dots, method: GET}
  - namespace: bank
    baseUri: https://bank.test
    resources:
    - name: accounts
      path: /accounts
      operations: [{name: list-accounts, method: GET}, {name: list-orders, method: GET}]
  exposes:
  - {type: mcp, namespace: mcp, port: 9090, tools: [{name: t, call: CALL}, {name: ok, call: bank.list-accounts}]}
"""


def called(call: str) -> tuple[Plan, str]:
    plan = compile_text(TWO.replace("CALL", call))
    steps = plan.tool("t").flow.steps
    return plan, steps[0].operation.ref if steps else ""


@pytest.mark.parametrize(
    ("call", "ref"),
    [("shop.list-orders", "shop.list-orders"), ("shop.by-id", "shop.by-id"), ("shop.with.dots", "shop.with.dots")],
    ids=["name", "id for name", "dots in the name"],
)
def test_an_exact_call_is_no_guess(call, ref):
    plan, found = called(call)

    assert found == ref
    assert "W-CALL-GUESSED" not in plan.codes()


@pytest.mark.parametrize(
    ("call", "ref"),
    [
        ("shop.listOrders", "shop.list-orders"),
        ("shop.orders.list-orders", "shop.list-orders"),
        ("nowhere.list-accounts", "bank.list-accounts"),
        ("list-accounts", "bank.list-accounts"),
    ],
    ids=["other spelling", "resource in between", "unknown namespace", "no namespace"],
)
def test_an_evident_call_is_followed_and_said(call, ref):
    plan, found = called(call)

    assert found == ref
    assert plan.finding("W-CALL-GUESSED").hint == f"write {ref!r}"


@pytest.mark.parametrize("call", ["nowhere.list-orders", "shop.list-order-items", "shop", "''"])
def test_anything_else_is_an_error_of_that_unit_alone(call):
    plan, found = called(call)

    assert found == ""
    assert plan.tool("t").flow.unavailable.code in ("E-CALL-UNRESOLVED", "E-NO-CALL")
    assert plan.tool("ok").flow.unavailable is None


def test_the_nearest_name_is_offered():
    plan, _ = called("shop.list-order")

    assert plan.finding("E-CALL-UNRESOLVED").hint == "did you mean 'shop.list-orders'?"


def test_known_namespaces_are_listed_where_nothing_is_near():
    plan, _ = called("zzz.qqq")

    assert "known namespaces: shop, bank" in plan.finding("E-CALL-UNRESOLVED").hint


DUPLICATES = """
capability:
  consumes:
  - namespace: shop
    baseUri: https://shop.test
    resources:
    - {name: a, path: /a, operations: [{name: get, method: GET}]}
    - {name: b, path: /b, operations: [{name: get, method: GET}]}
  - namespace: shop
    baseUri: https://more.test
    resources: [{name: c, path: /c, operations: [{name: more, method: GET}]}]
  exposes:
  - type: rest
    namespace: api
    port: 8080
    resources: ROUTES
"""


def routes(*paths: str) -> Plan:
    listed = ", ".join(f"{{path: {path}, operations: [{{method: GET, call: shop.get}}]}}" for path in paths)
    return compile_text(DUPLICATES.replace("ROUTES", f"[{listed}]"))


def test_the_kth_use_of_a_name_is_the_kth_operation_of_that_name():
    plan = routes("/x", "/y")

    assert [plan.route(f"GET {path}").flow.steps[0].operation.path.source for path in ("/x", "/y")] == ["/a", "/b"]
    assert "W-OP-DUPLICATE" not in plan.codes()


def test_where_counts_differ_the_path_decides():
    plan = routes("/v1/b")

    assert plan.route("GET /v1/b").flow.steps[0].operation.path.source == "/b"


def test_where_nothing_decides_the_first_is_called_and_said():
    plan = routes("/x")

    assert plan.route("GET /x").flow.steps[0].operation.path.source == "/a"
    assert plan.finding("W-OP-DUPLICATE").hint == "give each operation its own name"


def test_entries_of_one_namespace_keep_their_own_base_uris():
    plan = routes("/v1/b")

    assert plan.operation("shop.more").consumer.base_uri.source == "https://more.test"
    assert plan.operation("shop.get").consumer.base_uri.source == "https://shop.test"
