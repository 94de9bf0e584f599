"""The words after a verb: which files they name, which settings they make, and what a wrong one is answered with."""

from __future__ import annotations

import logging

import pytest

from naftiko_run.cli import options
from naftiko_run.cli.main import main
from naftiko_run.errors import BindingError
from naftiko_run.redaction import Redactor


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "one.yaml",
        "one.mock.yaml",
        "two.yml",
        "notes.txt",
        ".hidden.yaml",
        "capabilities/three.yaml",
        "deep/er/four.yaml",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x: 1")
    return tmp_path


@pytest.fixture
def root_logger():
    root, ours = logging.getLogger(), logging.getLogger("naftiko_run")
    before = root.handlers[:], root.level, ours.level
    yield root
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


# ---- files


def found(*words):
    files, gathered = options.find_files(words)
    return [str(file) for file in files], gathered


def test_a_file_is_itself(home):
    assert found("one.yaml", "notes.txt") == (["one.yaml", "notes.txt"], False)


def test_a_folder_is_the_documents_below_it_without_mocks_and_hidden_ones(home):
    assert found(".") == (["capabilities/three.yaml", "deep/er/four.yaml", "one.yaml", "two.yml"], True)


def test_a_glob_is_the_documents_it_matches(home):
    assert found("*") == (["one.yaml", "two.yml"], True)


def test_a_bare_name_may_be_among_the_capabilities(home):
    assert found("three.yaml") == (["capabilities/three.yaml"], False)


def test_a_file_named_twice_is_one(home):
    assert found("one.yaml", "*.yaml") == (["one.yaml"], True)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("on.yaml", "did you mean 'one.yaml'?"),
        ("capabilities/thre.yaml", "did you mean 'capabilities/three.yaml'?"),
        ("validat", "did you mean 'validate'?"),
        ("zebra.yaml", "looked in '.' and in 'capabilities'"),
        ("nowhere/zebra.yaml", "looked in 'nowhere' and in 'capabilities'"),
    ],
)
def test_a_word_that_names_nothing_is_hinted_at(home, word, hint):
    with pytest.raises(BindingError) as refused:
        options.find_files([word])

    assert (refused.value.code, refused.value.hint) == ("E-NO-FILE", hint)


# ---- settings


def test_pairs_are_split_at_the_first_equals_sign():
    assert options.base_uris(["a=http://h/?x=1", "b = //h"]) == {"a": "http://h/?x=1", "b": "//h"}


def test_a_base_uri_may_hold_variables():
    assert options.base_uris(["a=https://{{HOST}}:{{PORT}}/"]) == {"a": "https://{{HOST}}:{{PORT}}/"}


@pytest.mark.parametrize("url", ["ftp://h", "h", "http://", "http://h:99999", "http://a b", "http://u:p@h", "http://h\x00"])
def test_a_base_uri_that_cannot_be_called_is_refused_without_repeating_it(url):
    with pytest.raises(BindingError) as refused:
        options.base_uris([f"jobs={url}"])

    assert "jobs" in refused.value.message
    assert "u:p" not in str(refused.value)


def test_credentials_are_blocks_as_an_author_would_write_them():
    assert options.credentials(["a=TOKEN"], ["b=X-Key:KEY"]) == {
        "a": {"type": "bearer", "token": "{{TOKEN}}"},
        "b": {"type": "apikey", "key": "X-Key", "value": "{{KEY}}", "placement": "header"},
    }


@pytest.mark.parametrize("word", ["b=K3Y", "b=X-K3Y:", "b-K3Y", "=X:K3Y"])
def test_a_credential_that_is_not_complete_is_refused_without_repeating_it(word):
    with pytest.raises(BindingError, match="NAMESPACE=HEADER:VARIABLE") as refused:
        options.credentials([], [word])

    assert "K3Y" not in str(refused.value)


def test_the_environment_wins_over_its_files(home, monkeypatch):
    (home / "a.env").write_text("FROM_FILE=1\nFROM_BOTH=file\n")
    monkeypatch.setenv("FROM_BOTH", "environment")

    environment = options.environment(["a.env"])

    assert (environment["FROM_FILE"], environment["FROM_BOTH"]) == ("1", "environment")


# ---- a wrong word


@pytest.mark.parametrize("verb", ["serve", "validate", "inspect"])
def test_an_unknown_option_is_named_with_the_nearest(verb, home, capsys):
    assert main([verb, "one.yaml", "--expose-al", "--bas-uri=x"]) == 2

    said = capsys.readouterr().err
    assert "error E-USAGE: unknown option '--bas-uri'" in said
    assert "did you mean '--base-uri'?" in said


def test_the_value_of_an_unknown_option_is_not_repeated(home, capsys):
    assert main(["one.yaml", "--token=canary-1", "--secret", "canary-2"]) == 2

    assert "canary" not in capsys.readouterr().err


def test_no_words_at_all_print_the_usage(capsys):
    assert main([]) == 2
    assert "usage: naftiko-run FILE..." in capsys.readouterr().out


def test_the_version_is_one_line(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("naftiko-run ")


# ---- logs


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_is_hidden_in_message_arguments_and_exception(root_logger, capsys, form):
    redactor = Redactor()
    redactor.register("canary-1234")
    options.configure_logging(form, "debug")
    options.hide_secrets(redactor)
    try:
        raise ValueError("it was canary-1234")
    except ValueError:
        logging.getLogger("naftiko_run.requests").exception("sent %s", "canary-1234")

    said = capsys.readouterr().err
    assert "ValueError: it was ***" in said
    assert "canary" not in said


def test_libraries_only_warn(root_logger, capsys):
    options.configure_logging("text", "debug")

    logging.getLogger("httpx2").info("GET http://h/?key=value")
    logging.getLogger("httpcore2.http11").debug("headers: cookie")
    logging.getLogger("naftiko_run.server").debug("ours")

    said = capsys.readouterr().err
    assert "ours" in said
    assert len(said.splitlines()) == 1


def test_an_input_without_its_option_is_told_how_inputs_are_given(home, capsys):
    assert main(["call", "one.yaml", "find", "token=s3cr3t"]) == 2

    said = capsys.readouterr().err
    assert "hint: inputs are given with -i NAME=VALUE" in said
    assert "s3cr3t" not in said


def test_the_usage_says_how_to_ask_for_the_version(capsys):
    assert main(["--help"]) == 0

    assert "naftiko-run --version" in capsys.readouterr().out
