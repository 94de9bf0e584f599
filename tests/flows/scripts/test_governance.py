"""Scripting settings: where they come from, what may be changed while running, and what may not."""

from __future__ import annotations

import pytest

from naftiko_run.document.nodes import Node
from naftiko_run.errors import InvalidInputs, SpecError
from naftiko_run.flows.scripts.governance import ScriptGovernance, compile_governance


def block(**settings: object) -> Node:
    def node(value: object) -> Node:
        inner = [node(item) for item in value] if isinstance(value, list) else value
        return Node(inner, None, "a.yaml")

    return Node({name: node(value) for name, value in settings.items()}, None, "a.yaml")


def test_the_defaults_are_the_languages():
    assert compile_governance(None, {}).to_json() == {
        "enabled": True,
        "timeout": 60000,
        "statementLimit": 100000,
        "stats": {"totalExecutions": 0, "totalErrors": 0, "averageDurationMs": 0.0},
    }


def test_the_block_is_read():
    governance = compile_governance(
        block(
            enabled=True,
            defaultLanguage="js",
            defaultLocation="file:///s",
            timeout=5,
            statementLimit=9,
            allowedLanguages=["py"],
        ),
        {},
    )

    shown = governance.to_json()
    assert shown.pop("stats")
    assert shown == {
        "enabled": True,
        "defaultLocation": "file:///s",
        "defaultLanguage": "javascript",
        "timeout": 5,
        "statementLimit": 9,
        "allowedLanguages": ["python"],
    }


@pytest.mark.parametrize("name", ["NAFTIKO_SCRIPTING", "IKANOS_SCRIPTING"])
def test_the_environment_switches_off_unless_the_document_speaks(name: str):
    assert not compile_governance(None, {name: "False"}).enabled
    assert not compile_governance(block(timeout=5), {name: "false"}).enabled
    assert compile_governance(block(enabled=True), {name: "false"}).enabled
    assert not compile_governance(block(enabled=False), {}).enabled
    assert compile_governance(None, {name: "true"}).enabled


@pytest.mark.parametrize("settings", [{"timeout": 0}, {"timeout": "1"}, {"enabled": "yes"}, {"defaultLanguage": "perl"}])
def test_a_wrong_setting_is_the_authors_mistake(settings: dict[str, object]):
    with pytest.raises(SpecError) as caught:
        compile_governance(block(**settings), {})

    assert caught.value.code == "E-SCRIPTING"


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"timeout": 0}, "timeout", "must be an integer of at least 1"),
        ({"timeout": True}, "timeout", "must be an integer of at least 1"),
        ({"statementLimit": 1.5}, "statementLimit", "must be an integer of at least 1"),
        ({"enabled": 1}, "enabled", "must be true or false"),
        ({"defaultLanguage": "perl"}, "defaultLanguage", "must be of javascript, python, groovy"),
        ({"allowedLanguages": "python"}, "allowedLanguages", "must be an array"),
        ({"allowedLanguages": ["perl"]}, "allowedLanguages", "must be of javascript, python, groovy"),
        ({"defaultLocation": "file:///tmp"}, "defaultLocation", "the script directory cannot be changed while running"),
        ({"stats": {}}, "stats", "is no setting of scripting"),
        ({"__class__": 1}, "__class__", "is no setting of scripting"),
    ],
)
def test_a_wrong_change_changes_nothing(changes: dict[str, object], name: str, message: str):
    governance = ScriptGovernance()

    with pytest.raises(InvalidInputs) as caught:
        governance.update({"timeout": 7, **changes})

    assert caught.value.errors == [{"name": name, "place": "body", "message": message}]
    assert governance == ScriptGovernance()
