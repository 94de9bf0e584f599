"""Starts that cannot be: one sentence on standard error, exit code 2, and nothing left behind."""

from __future__ import annotations

import json
import logging
import os
import socket

import pytest
import yaml
from running import DOCUMENT, SECRET, Command, free_port, is_free, run

from naftiko_run.cli.main import main

ENVIRONMENT = {"HARBOUR_KEY": SECRET}


@pytest.fixture
def home(tmp_path):
    (tmp_path / "harbour.yaml").write_text(DOCUMENT.replace("UPSTREAM", "http://localhost:9"))
    return tmp_path


def refused(home, *arguments, environment=ENVIRONMENT):
    """What a refused start says."""
    code, stdout, stderr = run(home, *arguments, environment=environment)

    assert (code, stdout) == (2, "")
    assert "Traceback" not in stderr
    assert SECRET not in stderr
    assert "naftiko-run serves" not in stderr
    assert "internal error" not in stderr
    return stderr


@pytest.fixture
def refuse(home, capsys, monkeypatch):
    """The same within this process, for what is refused before anything is opened."""

    def start(*arguments, environment=ENVIRONMENT):
        monkeypatch.chdir(home)
        monkeypatch.delenv("HARBOUR_KEY", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        root, ours = logging.getLogger(), logging.getLogger("naftiko_run")
        before = root.handlers[:], root.level, ours.level
        code = main(arguments)
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
        printed = capsys.readouterr()
        assert (code, printed.out) == (2, "")
        assert not [word for word in ("Traceback", "internal error", SECRET) if word in printed.err]
        return printed.err

    return start


# ---- files


def test_broken_yaml_is_placed(home):
    (home / "broken.yaml").write_text("ikanos: 1\ncapability: [1\n")

    said = refused(home, "broken.yaml")

    assert said.startswith("broken.yaml:3:1: error E-YAML: this is not valid YAML")
    assert "hint:" in said


def test_an_unknown_operation_is_placed_with_the_nearest_name(home, refuse):
    (home / "harbour.yaml").write_text(DOCUMENT.replace("call: harbour.", "call: harbour.re"))

    said = refuse("harbour.yaml")

    assert "error E-CALL-UNRESOLVED: unknown operation 'harbour.relist-ships'" in said
    assert "did you mean 'harbour.list-ships'?" in said


def test_a_file_that_is_not_there_is_named_with_the_nearest(home, refuse):
    assert refuse("harbor.yaml") == ("error E-NO-FILE: there is no file 'harbor.yaml'\n  hint: did you mean 'harbour.yaml'?\n")


def test_a_file_that_is_no_text_is_refused(home, refuse):
    (home / "image.yaml").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")

    assert "E-ENCODING" in refuse("image.yaml")


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read every file")
def test_a_file_that_may_not_be_read_is_refused(home, refuse):
    (home / "harbour.yaml").chmod(0)

    assert "error E-YAML" in refuse("harbour.yaml")


def test_something_that_is_no_regular_file_is_refused(home, refuse):
    os.mkfifo(home / "pipe.yaml")

    assert "pipe.yaml" in refuse("pipe.yaml")


def test_a_folder_without_capabilities_is_refused(home, refuse):
    (home / "empty").mkdir()

    assert "no capability file was found" in refuse("empty")


def test_a_missing_variable_is_named_and_placed(home, refuse):
    said = refuse("harbour.yaml", environment={})

    assert "error E-SECRET-MISSING: no value for 'HARBOUR_KEY' (environment variable 'HARBOUR_KEY')" in said
    assert "--env-file" in said


# ---- options


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--nonsense"], "unknown option '--nonsense'"),
        (["--base-uri", "nonsense"], "--base-uri is not given as NAMESPACE=URL"),
        (["--base-uri", "harbour=nonsense"], "--base-uri of 'harbour' is not an http or https URL"),
        (["--base-uri", "harbour=http://u:canary@h"], "--base-uri of 'harbour' holds user info"),
        (["--base-uri", "harbor=http://localhost:1"], "did you mean 'harbour'?"),
        (["--base-uri", "http://u:canary@h"], "hint: NAMESPACE is the `namespace` of a `consumes` entry"),
        (["--bearer", "harbor=KEY"], "no file consumes a namespace 'harbor'"),
        (["--port", "rest=x"], "--port rest=x is not a port"),
        (["--port", "nothing=1"], "--port nothing=... names no adapter of these files"),
        (["--port-offset", "60000"], "port 78080 of 'harbour-rest' is not between 0 and 65535"),
        (["--env-file", "none.env"], "cannot read the environment file 'none.env'"),
        (["--limit", "rest-deadlin=1"], "did you mean 'rest_deadline'?"),
        (["--limit", "rest_deadline=-1"], "is not a number from 0 up"),
        (["--rest-deadline", "nan"], "'nan' is not a number from 0 up"),
        (["--workers", "0"], "'0' is not a number from 1 to 64"),
        (["--host", "192.0.2.1"], "address '192.0.2.1' is not one of this machine"),
        (["--host", "0.0.0.0", "--strict", "--env", "HARBOUR_KEY"], "asks no caller for credentials"),
        (["--allow-net", "everything"], "write it like 10.0.0.0/8"),
        (["--allow-origin", "app.example.org"], "is not an origin such as https://app.example.org"),
        (["--ca-file", "harbour.yaml"], "certificate authority file 'harbour.yaml' cannot be used"),
    ],
    ids=lambda value: "=".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_one_sentence(refuse, arguments, sentence):
    said = refuse("harbour.yaml", *arguments)

    assert sentence in said
    assert "canary" not in said


def test_a_refusal_is_one_json_object_where_logs_are(refuse):
    said = refuse("harbour.yaml", "--log-format", "json", environment={})

    assert "E-SECRET-MISSING" in json.loads(said)["findings"][0]


def test_standard_streams_need_something_to_say(home, refuse):
    document = yaml.safe_load((home / "harbour.yaml").read_text())
    del document["capability"]["exposes"][1]
    (home / "harbour.yaml").write_text(yaml.safe_dump(document))

    assert "--stdio serves MCP, and no file exposes it" in refuse("harbour.yaml", "--stdio")


# ---- ports and processes


def test_a_port_of_another_process_is_named_and_no_other_stays_bound(home):
    free = free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]

        said = refused(home, "harbour.yaml", "--port", f"rest={free}", "--port", f"mcp={taken}")

    assert said.startswith(f"error E-PORT-IN-USE: port {taken} on 127.0.0.1 is in use by another process\n")
    assert "--port-offset" in said
    assert is_free(free)


def test_workers_say_that_a_port_is_taken_before_they_say_that_they_serve(refuse):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]

        said = refuse("harbour.yaml", "--workers", "2", "--port", f"rest={taken}", "--port", "mcp=0")

    assert said.startswith("error E-PORT-IN-USE")


def test_a_broken_mock_document_is_placed_and_leaves_no_process(home):
    (home / "harbour.mock.yaml").write_text("operations:\n  harbour.list-ships:\n  - answr: 1\n")

    with Command(home, "harbour.yaml", "--mock", "--port", "rest=0", "--port", "mcp=0") as command:
        assert command.ended() == 2
        assert command.stderr.startswith("harbour.mock.yaml:")
        assert not _processes_of(command.process.pid)


def test_a_taken_port_leaves_no_mock_process(home):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with Command(home, "harbour.yaml", "--mock", "--port", f"rest={taken}", "--port", "mcp=0") as command:
            assert command.ended() == 2

    assert "E-PORT-IN-USE" in command.stderr
    assert not _processes_of(command.process.pid)


def _processes_of(session):
    """The processes that a command started and left: the mock is in a session of its own, so its parent is looked at too."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            with open(f"/proc/{name}/environ", "rb") as environ:
                ours = SECRET.encode() in environ.read()
        except OSError:
            continue
        if int(fields[3]) == session or (ours and fields[0] != "Z"):
            found.append(int(name))
    return found


# ---- what is wrong in part


def test_one_bad_tool_leaves_the_others_served(home):
    text = (home / "harbour.yaml").read_text()
    (home / "harbour.yaml").write_text(
        text.replace("call: harbour.get-ship\n      with: {id: h", "call: harbour.sink\n      with: {id: h")
    )

    with Command(home, "harbour.yaml", "--port", "rest=0", "--port", "mcp=0", environment=ENVIRONMENT) as command:
        command.ready()
        assert "error E-CALL-UNRESOLVED: unknown operation 'harbour.sink'" in command.stderr
        assert command.rest("GET", "/ships/1").status == 502
        assert "harbour.sink" in command.tool("find-ship", id="1")["content"][0]["text"]


def test_two_operations_on_one_path_are_placed_and_the_first_is_served(home):
    document = yaml.safe_load((home / "harbour.yaml").read_text())
    resources = document["capability"]["exposes"][0]["resources"]
    resources.append({"path": "/ships/{{other}}", "operations": [{"method": "GET", "call": "harbour.list-berths"}]})
    (home / "harbour.yaml").write_text(yaml.safe_dump(document))

    with Command(home, "harbour.yaml", "--port", "rest=0", "--port", "mcp=0", environment=ENVIRONMENT) as command:
        command.ready()
        assert "warning W-REST-SHADOWED: GET /ships/{{other}} is already served (GET /ships/{{id}} at" in command.stderr
        assert command.rest("GET", "/ships/%2E%2E").json()["detail"].startswith("path parameter 'id'")
