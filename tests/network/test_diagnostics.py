"""Every diagnostic of the published network: its code, the place it names, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko_run.capability import LoadOptions, load
from naftiko_run.engine import Engine, EngineSettings
from naftiko_run.errors import BindingError, DocumentErrors, Finding
from naftiko_run.exposes.exposure import McpExposure
from naftiko_run.exposes.mcp.names import published_names
from naftiko_run.server.assembly import connect
from naftiko_run.server.placement import AssemblySettings, place

CONSUMES = """  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.test
    resources:
    - name: orders
      path: /orders
      operations:
      - name: list-orders
        method: GET
"""
EXPOSES = """  exposes:
  - type: mcp
    namespace: tools
    port: 9090
    tools:
    - name: list-orders
      call: shop.list-orders
"""
GOOD = f"naftiko: 1.0.0-alpha2\ncapability:\n{CONSUMES}{EXPOSES}"
MARK = "# --- truncated at 32 KB (78 KB total) ---\n# Full source: https://files.test/full.yaml\n"


def findings(text: str, tmp_path: Path, **options: object) -> list[Finding]:
    file = tmp_path / "cap.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        return list(load(file, LoadOptions(**options)).findings)  # type: ignore[arg-type]  # fields by name
    except DocumentErrors as error:
        return error.findings


def swapped(*pairs: tuple[str, str]) -> str:
    text = GOOD
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


REST = "\n  - type: rest\n    namespace: api\n    port: 8080\n    resources:\n"
ROUTE = "    - path: {path}\n      operations:\n      - {{method: GET, name: {name}, call: shop.list-orders}}\n"
INPUTS = "        method: GET\n        inputParameters:\n        - {}\n"

CASES = {
    "E-TRUNCATED": (
        "capability:\n  consumes: 'cut in the mid\n" + MARK,
        "3:1",
        "get the full file from https://files.test/full.yaml",
    ),
    "W-TRUNCATED": (
        GOOD + "    - name: half\n      call: shop.li\n" + MARK,
        "22:1",
        "get the full file from https://files.test/full.yaml",
    ),
    "E-YAML": ("a: [1\nb: 2\n", "2:2", None),
    "E-NOT-CAPABILITY": ("kind: Workflow\napiVersion: v1\nspec: {}\n", "1:1", None),
    "E-NO-CONSUMES": (f"naftiko: 1.0.0-alpha2\ncapability:\n{EXPOSES}", "9:13", None),
    "E-NO-HTTP-CONSUMES": (f"capability:\n  consumes:\n  - {{namespace: shop, ref: elsewhere.yaml}}\n{EXPOSES}", "3:3", None),
    "E-IMPORT-MISSING": (f"capability:\n  consumes:\n  - {{import: shop, location: ./gone.yaml}}\n{EXPOSES}", "3:30", None),
    "E-NOTHING-EXPOSED": (f"capability:\n{CONSUMES}", "2:3", "--expose-all"),
    "E-NO-CALL": (
        swapped(("      call: shop.list-orders\n", "      description: x\n")),
        "18:7",
        "add `call: namespace.operation`",
    ),
    "E-CALL-UNRESOLVED": (
        swapped(("call: shop.list-orders", "call: shop.list-order")),
        "19:13",
        "did you mean 'shop.list-orders'?",
    ),
    "W-CALL-GUESSED": (swapped(("call: shop.list-orders", "call: else.list-orders")), "19:13", "write 'shop.list-orders'"),
    "W-OP-DUPLICATE": (
        swapped(("        method: GET\n", "        method: GET\n      - {name: list-orders, method: POST}\n")),
        "20:13",
        "give each operation its own name",
    ),
    "W-BASEURI-EMPTY": (swapped(("baseUri: https://shop.test", "baseUri: ''")), "6:14", "set it with --base-uri shop=URL"),
    "W-BASEURI-VARS": (
        swapped(("https://shop.test", "https://{shopHost}.test")),
        "6:14",
        "set the environment variable SHOP_HOST, or --base-uri shop=URL",
    ),
    "W-BASEURI-PLACEHOLDER": (swapped(("shop.test", "your-domain.test")), "6:14", "set it with --base-uri shop=URL"),
    "E-BASEURI": (swapped(("https://shop.test", "tcp://shop.test")), "6:14", "set it with --base-uri shop=URL"),
    "E-SELF-CALL": (
        swapped(("https://shop.test", "http://localhost:9090")),
        "4:5",
        "--base-uri shop=URL, or move our own port",
    ),
    "E-PATH-PARAM-UNPLACED": (
        swapped(("        method: GET\n", INPUTS.format("{name: id, in: path}"))),
        "11:9",
        "write the path as /orders/{id}",
    ),
    "W-PARAM-NO-NAME": (
        swapped(("        method: GET\n", INPUTS.format("{name: '', in: query}"))),
        "14:11",
        "give it a `name`",
    ),
    "W-PARAM-TYPE": (
        swapped(("        method: GET\n", INPUTS.format("{name: a, in: query, type: strng}"))),
        "14:38",
        "string, integer, number, boolean, array or object",
    ),
    "W-NOT-BOUND": (
        swapped(("    resources:", "    authentication: {type: bearer, token: '{{env.KEY}}'}\n    resources:")),
        "7:21",
        "the environment variable 'KEY'",
    ),
    "W-BIND-UNUSED": (f"binds: [{{namespace: env, keys: {{SHOP_KEY: SHOP_KEY}}}}]\n{GOOD}", "1:43", "--bearer shop=SHOP_KEY"),
    "E-AUTH-UNSUPPORTED": (
        swapped(("    resources:", "    authentication: {type: hmac, apiId: a, apiKey: b}\n    resources:")),
        "7:21",
        None,
    ),
    "W-AUTH-AWS": (
        swapped(
            (
                "    resources:",
                "    authentication: {type: apikey, key: Authorization, value: AWS4-HMAC-SHA256 x}\n    resources:",
            )
        ),
        "7:63",
        None,
    ),
    "W-REST-SHADOWED": (
        GOOD + REST.lstrip("\n") + ROUTE.format(path="/v1/{a}", name="one") + ROUTE.format(path="/v1/{b}", name="two"),
        "29:9",
        "give one of them another path",
    ),
    "W-REST-UNROUTABLE": (GOOD + REST.lstrip("\n") + ROUTE.format(path="'/v1#x'", name="one"), "26:9", "served as GET /v1"),
    "W-PARAM-ALIASED": (
        swapped(("        method: GET\n", INPUTS.format("{name: $top, in: query}"))),
        "20:7",
        "callers may use either",
    ),
    "W-EXPOSE-UNKNOWN": (GOOD + "  - {type: graphql, port: 1}\n", "20:12", None),
    "W-UNKNOWN-KEY": (swapped(("    port: 9090", "    port: 9090\n    prot: 1")), "17:5", None),
}


@pytest.mark.parametrize("code", CASES)
def test_the_diagnostic_names_its_place_and_the_fix(code, tmp_path):
    text, place_, hint = CASES[code]

    found = [finding for finding in findings(text, tmp_path) if finding.code == code]

    assert len(found) == 1, [str(one) for one in findings(text, tmp_path)]
    assert str(found[0].at) == f"{tmp_path / 'cap.yaml'}:{place_}"
    if hint is None:
        assert found[0].hint
    else:
        assert hint in found[0].hint


def test_a_good_file_has_nothing_to_say(tmp_path):
    assert findings(GOOD, tmp_path) == []


@pytest.mark.parametrize("code", ["E-CALL-UNRESOLVED", "E-NO-CALL", "E-PATH-PARAM-UNPLACED", "E-BASEURI", "W-BASEURI-EMPTY"])
def test_the_smallest_unit_is_disabled(code, tmp_path):
    text, _, _ = CASES[code]
    resources = "[{path: /a, operations: [{name: ok, method: GET}]}]"
    other = f"  - {{type: http, namespace: bank, baseUri: https://bank.test, resources: {resources}}}\n"
    text = text.replace("  exposes:", f"{other}  exposes:").rstrip() + "\n    - {name: ok, call: bank.ok}\n"
    file = tmp_path / "cap.yaml"
    file.write_text(text, encoding="utf-8")

    capability = load(file)

    tools = next(e for e in capability.exposures if isinstance(e, McpExposure)).tools
    assert tools[-1].flow.unavailable is None


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_call_whose_path_input_has_no_place_is_refused_whatever_its_method(method, tmp_path):
    text = CASES["E-PATH-PARAM-UNPLACED"][0].replace("method: GET", f"method: {method}")
    (tmp_path / "cap.yaml").write_text(text, encoding="utf-8")

    exposure = next(e for e in load(tmp_path / "cap.yaml").exposures if isinstance(e, McpExposure))

    assert exposure.tools[0].flow.unavailable is not None
    assert exposure.tools[0].flow.unavailable.hint.endswith(f"until then {method} calls are refused")


def test_a_missing_secret_is_named_at_start_with_its_place(tmp_path):
    text, _, _ = CASES["W-NOT-BOUND"]
    (tmp_path / "cap.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(BindingError) as caught:
        Engine(load(tmp_path / "cap.yaml"), EngineSettings(environment={})).resolve()

    assert caught.value.code == "E-SECRET-MISSING"
    assert "'KEY'" in caught.value.message
    assert "set it in the environment" in caught.value.hint


@pytest.mark.parametrize(
    ("names", "code", "hint"),
    [(["a" * 80, "b"], "W-TOOL-NAME-LONG", ""), (["same", "same"], "W-TOOL-DUPLICATE", "")],
    ids=["W-TOOL-NAME-LONG", "W-TOOL-DUPLICATE"],
)
def test_names_of_tools_are_settled_the_same_way_every_time(names, code, hint, tmp_path):
    tools = "".join(f"    - {{name: {name}, call: shop.list-orders}}\n" for name in names)
    text = GOOD.replace("    - name: list-orders\n      call: shop.list-orders\n", tools)

    assert [f.code for f in findings(text, tmp_path) if f.code == code] == [code]
    capability = load(tmp_path / "cap.yaml")
    found = next(e for e in capability.exposures if isinstance(e, McpExposure))
    published = [one.name for one in published_names(found.tools)]
    assert len(set(published)) == 2
    assert published == [one.name for one in published_names(found.tools)]


def test_files_that_want_one_port_are_told_that_they_share_it(tmp_path):
    capabilities = []
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
        capabilities.append(load(tmp_path / name))
    settings = AssemblySettings()
    assembly = place(capabilities, settings)

    engine = Engine(capabilities, EngineSettings(environment={}))
    engine.resolve()
    connect(assembly, engine, settings)

    found = next(f for f in assembly.findings if f.code == "W-PORT-IN-USE")
    assert found.message == "port 9090 of 'one.yaml' is wanted by 'two.yaml' as well; they share one listener"
    assert found.at is not None
    assert found.at.file.endswith("two.yaml")
    assert "--port" in found.hint
