"""Mock documents and capabilities written in a test, compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from naftiko_run.consumes.consumer import ConsumesContext, compile_consumers
from naftiko_run.document.reader import read_text
from naftiko_run.errors import Problems
from naftiko_run.expressions.reference import Names
from naftiko_run.limits import DEFAULT_LIMITS
from naftiko_run.mock.document import MockDocument, compile_mock_document
from naftiko_run.mock.operations import mock_table
from naftiko_run.mock.sample import exposed_paths
from naftiko_run.mock.service import MockService, RawRequest

Answered = tuple[int, dict[str, str], str]
Ask = Callable[..., Answered]

SHOP = """
capability:
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.test
    authentication: {type: bearer, token: '{{SHOP_KEY}}'}
    resources:
    - path: /orders
      operations:
      - name: list-orders
        method: GET
        inputParameters:
        - {name: page, in: query, type: integer}
        - {name: state, in: query, type: string}
      - name: add-order
        method: POST
        inputParameters:
        - {name: sku, in: body, type: string, required: true}
        - {name: amount, in: body, type: integer}
    - path: /orders/{id}
      operations:
      - {name: get-order, method: GET}
"""


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
def compile_mock(problems: Problems) -> Callable[[str], MockDocument]:
    return lambda text: compile_mock_document(read_text(dedent(text), file="shop.mock.yaml"), problems)


@pytest.fixture
def service(problems: Problems) -> Callable[..., MockService]:
    """``service(mock_text)`` plays ``SHOP``, or the capability given with it."""

    def build(mock: str = "operations: {}", capability: str = SHOP) -> MockService:
        root = read_text(capability, file="shop.yaml")
        context = ConsumesContext(names=Names(binds=frozenset({"SHOP_KEY"})), limits=DEFAULT_LIMITS, directory=Path())
        consumes = root.get("capability").get("consumes")
        _, operations = compile_consumers(list(consumes.elements()), context, problems)
        document = compile_mock_document(read_text(dedent(mock), file="shop.mock.yaml"), problems)
        return MockService(mock_table(operations, document, exposed_paths(root), problems))

    return build


@pytest.fixture
def ask(service: Callable[..., MockService]) -> Callable[..., Ask]:
    """``ask(mock_text)("GET", "/shop/orders")`` gives status, headers and body text, with a credential unless told not to."""

    def prepare(mock: str = "operations: {}", capability: str = SHOP) -> Ask:
        running = service(mock, capability)

        def send(method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answered:
            sent = tuple(({"authorization": "Bearer k-1"} if headers is None else headers).items())
            reply = running.answer(RawRequest(method=method, target=target, headers=sent, body=body))
            return reply.status, dict(reply.headers), reply.body.decode()

        return send

    return prepare
