"""The plan as a person reads it: what is served and fed by what, and what its tools cost a model."""

from __future__ import annotations

from pathlib import Path

from naftiko_run.cli.main import main

SHOP = """
ikanos: 1.0.0-beta5
info: {display: Shop, description: d}
capability:
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.test
    resources:
      jobs: {path: /jobs, operations: {find: {method: GET, inputParameters: {state: {in: query}}}}}
      archive: {path: /archive/jobs, operations: {list-archive: {method: GET}}}
  exposes:
  - type: rest
    namespace: shop-rest
    port: 8080
    resources:
      jobs: {path: /jobs, operations: {find: {method: GET, call: shop.find}}}
      archive: {path: /very/long/way/into/the/archive, operations: {list: {method: GET, call: shop.list-archive}}}
  - type: mcp
    namespace: shop-mcp
    port: 9090
    tools: {find: {description: Find jobs., call: shop.find}, lost: {description: Lost., call: shop.lost}}
"""


def inspected(tmp_path: Path, capsys) -> list[str]:
    (tmp_path / "shop.yaml").write_text(SHOP)
    assert main(["inspect", str(tmp_path / "shop.yaml")]) == 0
    return capsys.readouterr().out.splitlines()


def test_what_feeds_each_unit_stands_in_one_column(tmp_path, capsys):
    lines = inspected(tmp_path, capsys)

    units = [line for line in lines if line.startswith("    GET /")]
    assert len(units) == 2
    assert len({line.index("GET shop.") for line in units}) == 1


def test_the_sizes_of_tools_stand_under_their_own_heading(tmp_path, capsys):
    lines = inspected(tmp_path, capsys)

    heading = next(number for number, line in enumerate(lines) if line.startswith("  tools as listed to a model: 2, "))
    sizes = lines[heading + 1 :]
    assert [line.split()[0] for line in sizes] == ["find", "lost"]
    assert all(" bytes, about " in line for line in sizes)


def test_a_call_that_leads_nowhere_is_marked(tmp_path, capsys):
    lost = next(line for line in inspected(tmp_path, capsys) if line.startswith("    lost "))

    assert "[refused: " in lost
