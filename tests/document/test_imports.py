"""Imports: entries of other files come in under their own places, and nothing is read that the author did not mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from naftiko_run.document.containment import Reach
from naftiko_run.document.dialect import normalise
from naftiko_run.document.imports import resolve_imports
from naftiko_run.document.reader import read_document
from naftiko_run.document.shapes import classify
from naftiko_run.errors import Problems

SHOP = "{type: http, namespace: shop, baseUri: https://shop.test, resources: [{name: r, operations: [{name: x}]}]}"
STOCK = "{type: http, namespace: stock, baseUri: https://stock.test, resources: []}"


class Folder:
    """A directory of documents, and the capability that is loaded from it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def load(self, name: str = "cap.yaml", reach: Reach | None = None):
        problems = Problems()
        root = normalise(read_document(self.path / name, display=name), problems)
        resolve_imports(root, problems, read=read_document, reach=reach or Reach())
        return root, problems

    def codes(self, text: str, reach: Reach | None = None) -> list[str]:
        self.write("cap.yaml", text)
        return [finding.code for finding in self.load(reach=reach)[1].findings]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "caps").mkdir()
    return Folder(tmp_path / "caps")


def importing(*entries: str, section: str = "consumes") -> str:
    return f"naftiko: 1.0.0-alpha2\ncapability:\n  {section}:\n" + "".join(f"  - {entry}\n" for entry in entries)


def namespaces(root, section: str = "consumes") -> list[str]:
    return [entry.get_text("namespace") for entry in root.get("capability").get(section).elements()]


@pytest.mark.parametrize(
    ("source", "entry"),
    [
        (f"naftiko: 1.0.0-alpha2\nconsumes: [{SHOP}, {STOCK}]\n", "{location: ./shared/shop.yaml, import: shop}"),
        (f"ikanos: 1.0.0-beta5\nconsumes: [{SHOP}, {STOCK}]\n", "{from: shared/shop.yaml, import: shop}"),
        (f"naftiko: 1.0.0-alpha1\ncapability: {{consumes: [{SHOP}]}}\n", "{from: file://./shared/shop.yaml, import: shop}"),
        (f"naftiko: 1.0.0-alpha1\ncapability: {{consumes: [{SHOP}]}}\n", "{from: file:///./shared/shop.yaml}"),
        (f"capability: {{consumes: [{SHOP}]}}\n", "{namespace: shop, ref: shared/shop.yaml}"),
    ],
    ids=["location", "other dialect", "file URI", "the only entry", "ref"],
)
def test_an_entry_of_another_file_comes_in(folder, source, entry):
    folder.write("shared/shop.yaml", source)
    folder.write("cap.yaml", importing(entry))

    root, problems = folder.load()

    assert namespaces(root) == ["shop"]
    assert [str(finding) for finding in problems.findings] == []


def test_an_imported_entry_keeps_the_file_it_was_written_in(folder):
    folder.write("shared/shop.yaml", f"naftiko: '1'\nconsumes:\n- {SHOP}\n")
    folder.write("cap.yaml", importing("{from: shared/shop.yaml, import: shop}"))

    root, _ = folder.load()
    entry = root.get("capability").get("consumes").value[0]

    assert str(entry.get("baseUri").location) == "shared/shop.yaml:3:42"
    assert entry.get("baseUri").path == "consumes[0].baseUri"


def test_one_entry_may_be_imported_twice_under_two_names(folder):
    folder.write("shop.yaml", f"naftiko: '1'\nconsumes: [{SHOP}]\n")
    folder.write("cap.yaml", importing("{from: shop.yaml, import: shop, as: eu}", "{from: shop.yaml, import: shop, as: us}"))

    root, problems = folder.load()

    assert namespaces(root) == ["eu", "us"]
    assert problems.findings == []


def test_the_only_entry_is_known_by_the_name_it_is_imported_as(folder):
    folder.write("dlp.yaml", "capability: {consumes: [{type: http, namespace: dlp-api, baseUri: https://dlp.test}]}\n")
    folder.write("cap.yaml", importing("{location: dlp.yaml, import: dlp}"))

    root, problems = folder.load()

    assert namespaces(root) == ["dlp"]
    assert [finding.code for finding in problems.findings] == ["N-IMPORT-ALIASED"]


def test_a_name_that_the_file_does_not_have_suggests_the_nearest(folder):
    folder.write("two.yaml", f"naftiko: '1'\nconsumes: [{SHOP}, {STOCK}]\n")
    folder.write("cap.yaml", importing("{from: two.yaml, import: stocks}"))

    _, problems = folder.load()

    assert str(problems.findings[0]) == (
        "cap.yaml:4:30: error E-IMPORT-NAMESPACE: 'two.yaml' has no `consumes` entry 'stocks'\n"
        "  in capability.consumes[0].import\n"
        "  hint: did you mean 'stock'?"
    )


def test_every_section_imports(folder):
    folder.write(
        "parts.yaml",
        "ikanos: 1.0.0-beta5\n"
        "exposes: [{type: mcp, namespace: tools, port: 1, tools: {a: {description: d}}}]\n"
        "aggregates: [{namespace: flows, display: F, flows: {f: {description: d}}}]\n"
        "binds: [{namespace: env, keys: {A: A}}]\n",
    )
    folder.write(
        "cap.yaml",
        "ikanos: 1.0.0-beta5\nbinds: [{from: parts.yaml, import: env}]\ncapability:\n"
        "  exposes: [{from: parts.yaml, import: tools, as: mine}]\n"
        "  aggregates: [{from: parts.yaml, import: flows}]\n",
    )

    root, problems = folder.load()

    assert (namespaces(root, "exposes"), namespaces(root, "aggregates")) == (["mine"], ["flows"])
    assert root.plain()["binds"] == [{"namespace": "env", "keys": {"A": "A"}}]
    assert problems.findings == []


def test_imports_of_imported_files_are_followed_relative_to_them(folder):
    folder.write("a/one.yaml", importing("{from: b/two.yaml, import: shop}"))
    folder.write("a/b/two.yaml", f"naftiko: '1'\nconsumes: [{SHOP}]\n")
    folder.write("cap.yaml", importing("{from: a/one.yaml, import: shop}"))

    root, problems = folder.load()

    assert namespaces(root) == ["shop"]
    assert root.get("capability").get("consumes").value[0].file == "a/b/two.yaml"
    assert problems.findings == []


def test_the_binds_of_a_file_come_along(folder):
    folder.write("shop.yaml", f"binds: [{{namespace: env, keys: {{A: X, B: B}}}}]\ncapability: {{consumes: [{SHOP}]}}\n")
    folder.write("cap.yaml", "binds: [{namespace: env, keys: {A: A}}]\n" + importing("{from: shop.yaml, import: shop}"))

    root, _ = folder.load()

    assert root.plain()["binds"] == [{"namespace": "env", "keys": {"A": "A", "B": "B"}}]


def test_mistakes_of_an_imported_file_name_that_file(folder):
    folder.write("shop.yaml", "naftiko: '1'\nconsumes:\n- {type: http, namespace: shop, baseUrl: https://shop.test}\n")
    folder.write("cap.yaml", importing("{from: shop.yaml, import: shop}"))

    _, problems = folder.load()

    assert str(problems.findings[0]).startswith("shop.yaml:3:33: warning W-UNKNOWN-KEY: unknown key 'baseUrl'")


# ---- refusals


def test_a_missing_file_names_the_path_that_was_tried(folder):
    folder.write("cap.yaml", importing("{from: shared/none.yaml, import: a}", SHOP))

    root, problems = folder.load()

    assert namespaces(root) == ["shop"]
    assert str(problems.findings[0]) == (
        "cap.yaml:4:12: error E-IMPORT-MISSING: there is no file 'shared/none.yaml' to import\n"
        "  in capability.consumes[0].from\n"
        f"  hint: looked for {folder.path}/shared/none.yaml"
    )


def test_a_circle_is_refused_and_shown(folder):
    folder.write("a.yaml", importing("{from: b.yaml, import: x}"))
    folder.write("b.yaml", importing("{from: a.yaml, import: x}"))
    folder.write("cap.yaml", importing("{from: a.yaml, import: x}"))

    _, problems = folder.load()

    assert problems.findings[0].code == "E-IMPORT-CYCLE"
    assert problems.findings[0].message == "files import each other in a circle: a.yaml -> b.yaml -> a.yaml"


def test_a_file_that_imports_itself_is_a_circle(folder):
    assert folder.codes(importing("{from: cap.yaml, import: x}"))[0] == "E-IMPORT-CYCLE"


def test_two_entries_of_one_name_are_refused_naming_both_places(folder):
    folder.write("shop.yaml", f"naftiko: '1'\nconsumes:\n- {SHOP}\n")
    folder.write("cap.yaml", importing(SHOP, "{from: shop.yaml, import: shop}"))

    root, problems = folder.load()

    assert namespaces(root) == ["shop"]
    [finding] = problems.findings
    assert finding.code == "E-DUPLICATE-NAMESPACE"
    assert finding.message == "two `consumes` entries are called 'shop': at cap.yaml:4:5 and at shop.yaml:3:3"


def test_entries_of_the_same_file_may_share_a_name(folder):
    assert folder.codes(importing(SHOP, SHOP)) == []


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{from: 'https://files.test/shop.yaml', import: shop}", "E-IMPORT-URL"),
        ("{import: shop}", "E-IMPORT-FROM"),
        ("{openapi: shop, location: ../openapi/shop.yaml}", "E-IMPORT-OPENAPI"),
        ("{from: broken.yaml, import: shop}", "E-IMPORT-UNREADABLE"),
        ("{from: empty.yaml, import: shop}", "E-IMPORT-MISSING"),
        ("{from: ., import: shop}", "E-IMPORT-MISSING"),
        ("{from: link.yaml, import: shop}", "E-IMPORT-LINK"),
        ("{from: loop.yaml, import: shop}", "E-IMPORT-MISSING"),
        ("{from: '" + "x" * 5000 + "', import: shop}", "E-IMPORT-MISSING"),
        ("{from: [a], import: {b: c}}", "E-IMPORT-FROM"),
    ],
    ids=[
        "URL",
        "nowhere",
        "OpenAPI",
        "broken",
        "nothing in it",
        "directory",
        "link that leads out",
        "link in a circle",
        "long",
        "odd",
    ],
)
def test_what_cannot_be_imported_is_refused_with_its_reason(folder, entry, code):
    folder.write("broken.yaml", "a: [\n")
    folder.write("empty.yaml", "capability: {}\n")
    folder.write("../outside.yaml", f"naftiko: '1'\nconsumes: [{SHOP}]\n")
    os.symlink(folder.path.parent / "outside.yaml", folder.path / "link.yaml")
    os.symlink("loop.yaml", folder.path / "loop.yaml")

    assert folder.codes(importing(entry))[0] == code


def test_an_openapi_document_hints_at_the_command_that_turns_it_into_a_capability(folder):
    folder.write("cap.yaml", importing("{openapi: shop, location: ../openapi/shop.yaml}"))

    assert (
        folder.load()[1].findings[0].hint == "turn it into a capability with `naftiko-run import openapi ../openapi/shop.yaml`"
    )


def test_a_bare_reference_to_nothing_is_no_http_api(folder):
    folder.write("cap.yaml", importing("{namespace: shop, ref: capabilities/shared/shop.yaml}"))

    root, problems = folder.load()
    classify(root, problems, exposing_all=True)

    assert [finding.code for finding in problems.findings] == ["E-NO-HTTP-CONSUMES"]


# ---- how far imports reach


@pytest.fixture
def outside(folder: Folder) -> Folder:
    folder.write("../shared/shop.yaml", f"naftiko: '1'\nconsumes: [{SHOP}]\n")
    return folder


@pytest.mark.parametrize("written", ["../shared/shop.yaml", "{parent}/shared/shop.yaml"], ids=["relative", "absolute"])
def test_a_place_outside_that_the_author_wrote_is_allowed_with_a_note(outside, written):
    entry = f"{{from: {written.format(parent=outside.path.parent)}, import: shop}}"

    assert outside.codes(importing(entry)) == ["N-IMPORT-OUTSIDE"]
    assert outside.codes(importing(entry), Reach(confined=True)) == ["E-IMPORT-OUTSIDE"]
    assert outside.codes(importing(entry), Reach(confined=True, granted=(outside.path.parent / "shared",))) == []


def test_a_link_beside_the_written_way_out_is_refused(outside):
    secret = outside.path.parent.parent / "elsewhere.yaml"
    secret.write_text(f"naftiko: '1'\nconsumes: [{SHOP}]\n")
    os.symlink(secret, outside.path.parent / "shared" / "link.yaml")

    assert outside.codes(importing("{from: ../shared/link.yaml, import: shop}")) == ["E-IMPORT-LINK"]


def test_a_subfolder_may_import_from_the_folder_of_the_capability(folder):
    folder.write("shop.yaml", f"naftiko: '1'\nconsumes: [{SHOP}]\n")
    folder.write("sub/part.yaml", importing("{from: ../shop.yaml, import: shop}"))

    assert folder.codes(importing("{from: sub/part.yaml, import: shop}"), Reach(confined=True)) == []


def test_a_capability_of_endless_imports_ends(folder):
    for n in range(80):
        folder.write(f"n{n}.yaml", importing(f"{{from: n{n + 1}.yaml, import: x}}"))

    assert "E-LIMIT" in folder.codes(importing("{from: n0.yaml, import: x}"))
