"""Binds: what a document declares, what the environment and files hold, and which variables a template then sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko_run.bind_providers.env_file import read_env_file
from naftiko_run.binds import Binding, Secret, compile_binds, resolve_binds, warn_not_bound
from naftiko_run.document.reader import read_text
from naftiko_run.errors import BindingError, Problems
from naftiko_run.redaction import Redactor


def bindings_of(text: str, directory: Path = Path()) -> tuple[tuple[Binding, ...], Problems]:
    problems = Problems()
    return compile_binds(read_text(text, file="cap.yaml"), problems, base_directory=directory), problems


def test_an_entry_becomes_a_binding_with_the_places_of_its_keys():
    (binding,), problems = bindings_of("binds:\n- namespace: env\n  description: keys\n  keys: {API_KEY: ACME_KEY}\n")

    assert (binding.namespace, binding.location, binding.keys) == ("env", "", {"API_KEY": "ACME_KEY"})
    assert str(binding.places["API_KEY"]) == "cap.yaml:4:19"
    assert problems.findings == []


def test_keys_may_be_a_list_of_names_and_entries_may_stand_under_capability():
    bindings, _ = bindings_of("capability:\n  binds:\n  - {namespace: a, keys: [ONE, TWO]}\n")

    assert bindings[0].keys == {"ONE": "ONE", "TWO": "TWO"}


def test_the_older_external_references_are_bindings_too():
    bindings, _ = bindings_of("externalRefs:\n- {name: old, type: environment, uri: 'file://./x.json', keys: {token: T}}\n")

    assert (bindings[0].namespace, bindings[0].location, bindings[0].keys) == ("old", "file://./x.json", {"token": "T"})


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("secrets.yaml", "the location 'secrets.yaml' has no scheme"),
        ("vaultt://kv/acme", "values cannot be read from 'vaultt://'"),
        ("s3://bucket/x", "values cannot be read from 's3://'"),
    ],
)
def test_a_location_that_nothing_reads_is_an_error_with_its_place(location: str, said: str):
    bindings, problems = bindings_of(f"binds:\n- namespace: a\n  location: {location}\n  keys: {{A: A}}\n")

    assert bindings == ()
    assert [(f.code, f.message, str(f.at)) for f in problems.errors] == [("E-BIND-LOCATION", said, "cap.yaml:3:13")]


def test_a_misspelt_scheme_gets_the_nearest_one_as_hint():
    _, problems = bindings_of("binds: [{namespace: a, location: 'vaultt://x', keys: {A: A}}]\n")

    assert problems.errors[0].hint == "did you mean 'vault'?"


def test_an_entry_without_keys_is_said_and_left_out():
    bindings, problems = bindings_of("binds: [{namespace: a}]\n")

    assert bindings == ()
    assert [f.code for f in problems.findings] == ["W-BIND-EMPTY"]


def test_a_variable_is_found_by_its_source_key_under_both_of_its_names():
    bindings, _ = bindings_of("binds: [{namespace: acme, keys: {API_KEY: ACME_KEY}}]\n")

    bound = resolve_binds(bindings, {"API_KEY"}, {"ACME_KEY": "k-1", "API_KEY": "other"})

    assert bound.values == {"API_KEY": "k-1", "acme.API_KEY": "k-1"}


def test_a_later_entry_overwrites_the_name_but_not_the_namespaced_one():
    bindings, _ = bindings_of("binds:\n- {namespace: a, keys: {T: ONE}}\n- {namespace: b, keys: {T: TWO}}\n")

    bound = resolve_binds(bindings, {"T"}, {"ONE": "1", "TWO": "2"})

    assert bound.values == {"a.T": "1", "b.T": "2", "T": "2"}


def test_one_missing_variable_is_spoken_of_as_one():
    bindings, _ = bindings_of("binds:\n- {namespace: a, keys: {ONE: ONE}}\n")

    with pytest.raises(BindingError) as caught:
        resolve_binds(bindings, {"ONE"}, {})

    assert caught.value.hint == "set it in the environment, or in a file given with --env-file; --mock needs none"


def test_all_missing_variables_stand_in_one_message():
    bindings, _ = bindings_of("binds:\n- {namespace: a, keys: {ONE: ONE, TWO: SECOND, IDLE: IDLE}}\n")

    with pytest.raises(BindingError) as caught:
        resolve_binds(bindings, {"ONE", "a.TWO", "env.OTHER"}, {})

    assert str(caught.value) == (
        "cap.yaml:2:30: error E-SECRET-MISSING: no value for 'ONE' (environment variable 'ONE'); no value for 'TWO' "
        "(environment variable 'SECOND'); no value for 'OTHER' (environment variable 'OTHER')\n"
        "  in binds[0].keys.ONE\n"
        "  hint: set them in the environment, or in a file given with --env-file; --mock needs none"
    )


def test_a_lenient_start_lists_what_is_missing_instead():
    bindings, _ = bindings_of("binds: [{namespace: a, keys: {ONE: ONE, TWO: TWO}}]\n")

    bound = resolve_binds(bindings, {"ONE", "TWO"}, {"TWO": "2"}, lenient=True)

    assert [(m.variable, m.key, str(m.at)) for m in bound.missing] == [("ONE", "ONE", "cap.yaml:1:36")]
    assert bound.values["TWO"] == "2"


def test_an_unused_variable_is_never_asked_for(tmp_path: Path):
    bindings, _ = bindings_of("binds: [{namespace: a, location: 'file://./absent.yaml', keys: {ONE: ONE}}]\n", tmp_path)

    assert resolve_binds(bindings, set(), {}).values == {}


def test_an_empty_value_is_a_value():
    bindings, _ = bindings_of("binds: [{namespace: a, keys: {ONE: ONE}}]\n")

    assert resolve_binds(bindings, {"ONE"}, {"ONE": ""}).values["ONE"] == ""


@pytest.mark.parametrize("name", ["env.USER_X", "USER_X"])
def test_a_name_that_nothing_binds_is_an_environment_variable(name: str):
    bound = resolve_binds((), {name}, {"USER_X": "u"})

    assert bound.values[name] == "u"
    assert bound.values["USER_X"] == "u"


def test_env_dot_name_reads_a_binding_of_another_namespace():
    bindings, _ = bindings_of("binds: [{namespace: secrets, keys: {T: SOURCE}}]\n")

    assert resolve_binds(bindings, {"env.T"}, {"SOURCE": "s"}).values["env.T"] == "s"


def test_a_missing_file_value_does_not_fall_back_to_the_environment(tmp_path: Path):
    (tmp_path / "s.yaml").write_text("OTHER: x\n")
    bindings, _ = bindings_of("binds: [{namespace: a, location: 'file://./s.yaml', keys: {T: T}}]\n", tmp_path)

    with pytest.raises(BindingError, match=r"no value for 'T' \(key 'T' of 'file://./s.yaml'\)"):
        resolve_binds(bindings, {"T"}, {"T": "from environment"})


def test_a_store_that_cannot_be_read_is_named_once_beside_the_other_missing_ones(tmp_path: Path):
    bindings, _ = bindings_of(
        "binds:\n- {namespace: a, location: 'file://./s.yaml', keys: {T: T, U: U}}\n- {namespace: b, keys: {V: V}}\n", tmp_path
    )

    with pytest.raises(BindingError) as caught:
        resolve_binds(bindings, {"T", "U", "V"}, {})

    assert caught.value.message == (
        f"the bind file {str(tmp_path / 's.yaml')!r} does not exist; no value for 'V' (environment variable 'V')"
    )


def test_a_used_name_that_nothing_declares_is_warned_about():
    bindings, problems = bindings_of("binds: [{namespace: env, keys: {T: T}}]\n")

    warn_not_bound(bindings, {"env.T": None, "T": None, "env.FACTSET_USER": None}, problems)

    assert [(f.code, f.message) for f in problems.findings] == [("W-NOT-BOUND", "'env.FACTSET_USER' is used and not bound")]


def test_values_and_secrets_do_not_show_themselves():
    bindings, _ = bindings_of("binds: [{namespace: env, keys: {T: T}}]\n")
    bound = resolve_binds(bindings, {"T"}, {"T": "canary-4711"})
    redactor = Redactor()
    bound.register(redactor)

    assert "canary" not in repr(bound) + repr(Secret("canary-4711")) + str(Secret("canary-4711"))
    assert redactor.clean("token canary-4711!") == "token ***!"


def test_github_secrets_are_the_environment_and_this_is_said():
    bindings, problems = bindings_of("binds: [{namespace: gh, location: 'github-secrets://org/repo', keys: {T: GH_T}}]\n")

    assert resolve_binds(bindings, {"T"}, {"GH_T": "g"}).values["T"] == "g"
    assert [f.code for f in problems.findings] == ["N-BIND-GITHUB"]


def test_an_environment_file_is_read_with_its_quotes_comments_and_exports(tmp_path: Path):
    path = tmp_path / "x.env"
    path.write_text(
        '# comment\n\nA=plain value # note\nexport B=\'it $is # so\'\nC="two\\nlines \\"q\\""\nD=\nE=a#b\n'
        'F="first\nsecond" # note\r\nA1 = spaced\nA=again'
    )

    assert read_env_file(path) == {
        "A": "again", "B": "it $is # so", "C": 'two\nlines "q"', "D": "", "E": "a#b", "F": "first\nsecond", "A1": "spaced",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["A=1\nno sense here\n", "A=1\nB='open\n", 'A=1\nB="x" y\n', "A=1\n1B=2\n"])
def test_a_broken_environment_file_is_refused_by_line_without_its_content(tmp_path: Path, text: str):
    path = tmp_path / "x.env"
    path.write_text(text)

    with pytest.raises(BindingError) as caught:
        read_env_file(path)

    assert caught.value.message == f"line 2 of {str(path)!r} is not NAME=value"


def test_an_environment_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BindingError, match="cannot read the environment file"):
        read_env_file(tmp_path / "absent.env")
