"""Bind files: what a ``file://`` location means, which formats it holds, and what it may not reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko_run.bind_providers.files import read_bind_file
from naftiko_run.bind_providers.provider import BindSource
from naftiko_run.errors import BindingError


def read(location: str, directory: Path, *keys: str) -> dict[str, str]:
    return dict(read_bind_file(BindSource(location=location, keys=keys, base_directory=directory, environment={})))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.yaml", "A: one\nN: 042\nT: true\ndb: {password: p}\nZ: null\n"),
        ("s.yml", "A: 'one'\nN: 042\nT: true\ndb:\n  password: p\n"),
        ("s.json", '{"A": "one", "N": 42, "T": true, "db": {"password": "p"}, "Z": null}'),
        ("s.env", "A=one\nN=042\nT=true\ndb.password=p\n"),
        (".env", "A=one\nN=042\nT=true\ndb.password=p\n"),
        ("secrets", '{"A": "one", "N": 42, "T": true, "db": {"password": "p"}}'),
    ],
)
def test_every_format_gives_texts_as_they_are_written(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text)

    found = read(f"file://./{name}", tmp_path, "A", "N", "T", "db.password", "Z")

    number = "42" if text.startswith("{") else "042"
    assert found == {"A": "one", "N": number, "T": "true", "db.password": "p"}


@pytest.mark.parametrize(
    "location", ["file:///./x%20y.yaml", "file://./x y.yaml", "file://x y.yaml", "file://./sub/../x y.yaml"]
)
def test_a_relative_location_starts_at_the_capability_file(tmp_path: Path, location: str):
    (tmp_path / "sub").mkdir()
    (tmp_path / "x y.yaml").write_text("A: 1")

    assert read(location, tmp_path, "A") == {"A": "1"}


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_literal_absolute_location_is_read_as_written(tmp_path: Path, host: str):
    (tmp_path / "x.yaml").write_text("A: 1")

    assert read(f"file://{host}{tmp_path}/x.yaml", Path("/nowhere"), "A") == {"A": "1"}


@pytest.mark.parametrize(
    "location", ["file://../x.yaml", "file:///../x.yaml", "file://./sub/../../x.yaml", "file://%2e%2e/x.yaml"]
)
def test_a_relative_location_does_not_leave_the_folder(tmp_path: Path, location: str):
    (tmp_path / "x.yaml").write_text("A: 1")
    (tmp_path / "inner" / "sub").mkdir(parents=True)

    with pytest.raises(BindingError, match="leads out of"):
        read(location, tmp_path / "inner", "A")


@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, absolute: bool):
    (tmp_path / "x.yaml").write_text("A: 1")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "x.yaml").symlink_to(tmp_path / "x.yaml")

    with pytest.raises(BindingError, match="leads out of"):
        read(f"file://{tmp_path}/inner/x.yaml" if absolute else "file://./x.yaml", tmp_path / "inner", "A")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("s.yaml", "A: canary\n  B: [canary", "is not valid YAML (line 2)"),
        ("s.yaml", "- canary\n", "holds no YAML mapping"),
        ("s.json", '{"A": "canary",\n oops}', "is not valid JSON (line 2)"),
        ("s.json", '["canary"]', "holds no JSON object"),
        ("s.env", "canary\n", "is not NAME=value"),
    ],
)
def test_a_broken_file_is_named_without_its_content(tmp_path: Path, name: str, text: str, said: str):
    (tmp_path / name).write_text(text)

    with pytest.raises(BindingError) as caught:
        read(f"file://./{name}", tmp_path, "A")

    assert said in caught.value.message
    assert "canary" not in str(caught.value)


def test_what_is_no_regular_file_is_refused(tmp_path: Path):
    (tmp_path / "folder.yaml").mkdir()

    with pytest.raises(BindingError, match="not a regular file"):
        read("file://./folder.yaml", tmp_path, "A")
