"""A new capability: it validates clean, by every measure there is, and serves at once."""

from __future__ import annotations

import pytest

from naftiko_run.authoring.starter import starter
from naftiko_run.capability import LoadOptions
from naftiko_run.checks.judge import judge
from naftiko_run.checks.lint import lint_file
from naftiko_run.cli.main import main
from naftiko_run.errors import BindingError


def test_a_starter_has_no_findings_at_all(tmp_path):
    file = tmp_path / "my-shop.yaml"
    file.write_text(starter("my-shop", base_uri="https://shop.test/v1"))

    assert judge([file], LoadOptions(), official=True) == []
    assert lint_file(file) == []


def test_it_runs_against_the_built_in_upstream(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert main(["new", "My Shop", "--base-uri", "https://shop.test", "--port", "8100"]) == 0
    assert main(["call", "my-shop.yaml", "POST /items", "-i", "name=x", "--mock"]) == 0
    assert main(["create", "capability", "My Shop"]) == 2
    assert "E-EXISTS" in capsys.readouterr().err


async def test_it_sends_what_it_says(serve_text, upstream):
    serving = await serve_text(starter("shop", base_uri="https://shop.test").replace("https://shop.test", upstream.url),
                               environment={"SHOP_TOKEN": "t-123"})  # fmt: skip
    upstream.replies(json={"id": 1, "name": "n", "more": 2})

    assert await serving.get("/items/1") == {"id": 1, "name": "n"}
    assert upstream.request.header("Authorization") == "Bearer t-123"


@pytest.mark.parametrize(
    "given",
    [{"name": "-"}, {"base_uri": "shop"}, {"base_uri": "https://{x}.test"}, {"port": 70000}],
    ids=["no name", "no URL", "braces", "no port"],
)
def test_what_cannot_be_used_is_one_sentence(given):
    with pytest.raises(BindingError) as caught:
        starter(**{"name": "shop", "base_uri": "https://shop.test", **given})

    assert caught.value.code == "E-USAGE"
