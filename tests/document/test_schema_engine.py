"""The validator in Python says what the compiled one says."""

from __future__ import annotations

import pytest

from naftiko_run.document.reader import read_text
from naftiko_run.document.schema_engine import build_validator
from naftiko_run.document.schema_files import STRICT, TOLERANT, load_schema
from naftiko_run.document.violations import explain

DOCUMENTS = {
    "wrong types": "naftiko: 1.0.0-alpha2\ninfo: {label: A, description: d}\ncapability:\n  consumes: 7\n  exposes: text\n",
    "unknown key": "naftiko: 1.0.0-alpha2\ninfo: {label: A, description: d, lable: x}\ncapability: {exposes: []}\n",
    "missing keys": "naftiko: 1.0.0-alpha2\ncapability:\n  consumes:\n  - {type: http, namespace: a, baseUri: 'https://a.test'}\n",
    "bad names": "ikanos: 1.0.0-beta5\nbinds:\n- {namespace: a, keys: {lower case: X}}\ncapability: {exposes: []}\n",
    "bad port": "naftiko: 1.0.0-alpha2\ncapability:\n  exposes:\n  - {type: rest, port: 99999, namespace: a, resources: []}\n",
}


@pytest.mark.parametrize("name", [TOLERANT, *STRICT.values()])
@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_both_validators_find_the_same_mistakes_in_the_same_places(name: str, text: str) -> None:
    root = read_text(text, file="a.yaml")
    schema = load_schema(name)

    said = [
        {(v.message, v.at.line) for error in validator.iter_errors(root.plain()) for v in explain(error, root, schema)}
        for validator in (build_validator(schema), build_validator(schema, pure=True))
    ]

    assert {where for _, where in said[0]} == {where for _, where in said[1]}
    assert {text for text, _ in said[0] if text.startswith("unknown key")} == {
        text for text, _ in said[1] if text.startswith("unknown key")
    }


def test_a_document_that_fits_is_valid_for_both() -> None:
    text = "naftiko: 1.0.0-alpha2\ninfo: {label: A, description: d}\ncapability:\n  exposes: []\n"
    plain = read_text(text, file="a.yaml").plain()

    assert [build_validator(load_schema(TOLERANT), pure=pure).is_valid(plain) for pure in (False, True)] == [True, True]
