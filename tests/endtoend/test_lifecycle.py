"""The command from its first line to its last: banner, signals, workers, standard streams, and what is left afterwards."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import threading
import time

import pytest
import yaml
from running import SECRET, Command, children, end, free_port, is_free, is_running, run, until

FREE = ("--port", "rest=0", "--port", "mcp=0")


def start(folder, environment, *arguments, file="harbour.yaml", **more):
    return Command(folder, file, *FREE, *arguments, environment=environment, **more)


class Asking(threading.Thread):
    """A request that takes a while, from a thread."""

    def __init__(self, command, target="/ships/s-1"):
        super().__init__(daemon=True)
        self.command, self.target, self.answer = command, target, None
        self.start()

    def run(self):
        self.answer = self.command.rest("GET", self.target)


def changed(folder, name, change):
    """A copy of the document with something changed."""
    document = yaml.safe_load((folder / "harbour.yaml").read_text())
    change(document["capability"])
    (folder / name).write_text(yaml.safe_dump(document))
    return name


# ---- the banner


def test_the_banner_is_five_lines_of_names(folder, environment):
    with start(folder, environment) as command:
        command.ready()
        rest, mcp = command.urls["rest"], command.urls["mcp"]

        assert command.stderr.splitlines() == [
            "naftiko-run serves Harbour",
            f"  rest  {rest}  (5 operations)  docs at /docs",
            f"  mcp   {mcp}/mcp  (3 tools)",
            "  variables: HARBOUR_KEY",
            f"  try: curl {rest}/ships",
        ]
        assert rest != mcp
        assert command.stdout == ""


def test_the_banner_counts_what_is_refused_and_asks_for_no_value_beside_the_mock(folder):
    harbour = yaml.safe_load((folder / "harbour.yaml").read_text())
    tools = next(one for one in harbour["capability"]["exposes"] if one["type"] == "mcp")["tools"]
    (tools[0] if isinstance(tools, list) else tools[next(iter(tools))])["call"] = "harbour.nowhere"
    (folder / "mistaken.yaml").write_text(yaml.safe_dump(harbour))

    with Command(folder, "mistaken.yaml", "--mock", *FREE) as command:
        lines = command.ready().stderr.splitlines()

    assert any(line.endswith("(3 tools, 1 of them refused)") for line in lines)
    assert "  variables: HARBOUR_KEY (--mock needs no values)" in lines


def test_the_banner_says_that_nothing_is_needed_and_no_more(folder):
    harbour = yaml.safe_load((folder / "harbour.yaml").read_text())
    del harbour["binds"]
    for consumed in harbour["capability"]["consumes"]:
        consumed.pop("authentication", None)
    (folder / "open.yaml").write_text(yaml.safe_dump(harbour))

    with Command(folder, "open.yaml", "--mock", *FREE) as command:
        assert "  variables: none needed" in command.ready().stderr.splitlines()


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_what_the_banner_suggests_works(folder, environment, harbour):
    harbour.answers(json=[])

    with start(folder, environment) as command:
        tried = command.ready().stderr.splitlines()[-1].partition("try: ")[2].split()
        done = subprocess.run([*tried, "--silent"], capture_output=True, text=True, timeout=20)

    assert done.stdout == "[]"


def test_each_line_is_an_object_where_logs_are_json(folder, environment, harbour):
    harbour.answers(404, json={})

    with start(folder, environment, "--log-format", "json", "--log-level", "debug", "--host", "0.0.0.0") as command:
        until(lambda: '"serving"' in command.stderr)
        assert command.rest("GET", "/ships/s-1").status == 404
        lines = [json.loads(line) for line in command.stderr.splitlines()]

    assert [line["event"] for line in lines if "event" in line] == ["finding", "finding", "serving"]
    assert {"time", "level", "logger", "message"} <= set(lines[-1])
    assert "E-UPSTREAM-STATUS" in lines[-1]["message"]


# ---- addresses


def test_an_address_beyond_loopback_is_warned_about_unless_it_is_meant(folder, environment):
    with start(folder, environment, "--host", "0.0.0.0") as command:
        assert command.ready().stderr.count("warning W-PUBLIC-ADDRESS") == 2
        assert "http://localhost:" in command.stderr
    with start(folder, environment, "--host", "0.0.0.0", "--allow-public") as command:
        assert "W-PUBLIC-ADDRESS" not in command.ready().stderr


def test_a_declared_address_beyond_loopback_is_not_used(folder, environment):
    file = changed(folder, "public.yaml", lambda capability: capability["exposes"][0].update(address="0.0.0.0"))

    with start(folder, environment, file=file) as command:
        command.ready()
        assert "listens on 127.0.0.1 instead" in command.stderr
        assert command.urls["rest"].startswith("http://127.0.0.1:")


def test_an_ipv6_address_is_served(folder, environment, harbour):
    harbour.answers(json=[])

    with start(folder, environment, "--host", "::1") as command:
        assert command.ready().urls["rest"].startswith("http://[::1]:")
        assert command.rest("GET", "/ships").status == 200


def test_several_adapters_share_a_port(folder, environment, harbour):
    harbour.answers(json={"id": "s-1"})
    skill = {"type": "skill", "namespace": "harbour-skill", "port": 18080, "skills": [SKILL]}
    file = changed(folder, "shared.yaml", lambda capability: capability["exposes"].append(skill))
    port = free_port()

    with Command(
        folder, file, *(word for kind in ("rest", "mcp", "skill") for word in ("--port", f"{kind}={port}")),
        environment=environment,
    ) as command:  # fmt: skip
        command.ready()
        assert set(command.urls.values()) == {f"http://127.0.0.1:{port}"}
        assert command.rest("GET", "/ships/s-1").json() == {"id": "s-1"}
        assert json.loads(command.tool("find-ship", id="s-1")["content"][0]["text"]) == {"id": "s-1"}
        assert "piloting" in command.request("skill", "GET", "/skills").body.decode()


FIND_SHIP = {"sourceNamespace": "harbour-mcp", "action": "find-ship"}
SKILL = {
    "name": "piloting",
    "description": "How to bring a ship in",
    "tools": [{"name": "find-ship", "description": "Find a ship", "from": FIND_SHIP}],
}


# ---- files


def test_a_bare_name_is_looked_for_among_the_capabilities(tmp_path, folder, environment):
    (tmp_path / "capabilities").mkdir()
    shutil.copy(folder / "harbour.yaml", tmp_path / "capabilities")

    with start(tmp_path, environment) as command:
        command.ready()


def test_a_plan_is_printed_without_a_variable_or_a_port(folder):
    code, stdout, stderr = run(folder, "harbour.yaml", "--check", "--port", f"rest={free_port()}")

    assert (code, stderr) == (0, "")
    assert "GET /ships/{{id}}" in stdout
    assert "harbour.get-ship" in stdout
    assert "variables: HARBOUR_KEY" in stdout


def test_a_folder_is_served_without_the_variables_of_one_file(tmp_path, folder):
    shutil.copy(folder / "harbour.yaml", tmp_path)

    with Command(tmp_path, ".", *FREE) as command:
        command.ready()
        assert "without a value: HARBOUR_KEY" in command.stderr
        answer = command.rest("GET", "/ships")

    assert answer.status == 501
    assert "HARBOUR_KEY" in answer.json()["detail"]


# ---- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)], ids=str)
def test_a_signal_lets_requests_in_flight_finish(folder, environment, harbour, number):
    harbour.answers(json={"id": "s-1"}, delay=0.5)
    with start(folder, environment) as command:
        command.ready()
        asking = Asking(command)
        until(lambda: harbour.upstream.requests)

        command.process.send_signal(number)
        code = command.ended()
        asking.join(10)

        assert (code, asking.answer.status) == (0, 200)
        assert is_free(int(command.urls["rest"].rpartition(":")[2]))
        assert "Traceback" not in command.stderr


def test_a_second_signal_ends_at_once(folder, environment, harbour):
    harbour.answers(fault="hang")
    with start(folder, environment) as command:
        command.ready()
        threading.Thread(target=_ask_in_vain, args=(command,), daemon=True).start()
        until(lambda: harbour.upstream.requests)

        command.process.terminate()
        until(lambda: is_free(int(command.urls["rest"].rpartition(":")[2])))
        assert command.process.poll() is None
        command.process.terminate()

        assert command.ended() == 128 + signal.SIGTERM


def _ask_in_vain(command):
    with contextlib.suppress(OSError):
        command.rest("GET", "/ships/s-1")


# ---- workers


def test_workers_share_the_ports_survive_a_loss_and_drain(folder, environment, harbour):
    harbour.answers(json={"id": "s-1"})
    with start(folder, environment, "--workers", "2") as command:
        command.ready()
        workers = children(command.process.pid)
        assert len(workers) == 2
        assert {command.rest("GET", "/ships/s-1").status for _ in range(10)} == {200}

        end(workers[0])
        until(lambda: len(children(command.process.pid)) == 2 and workers[0] not in children(command.process.pid))
        assert {_patiently(command) for _ in range(10)} == {200}

        harbour.answers(json={"id": "s-1"}, delay=0.4)
        asking = Asking(command)
        until(lambda: harbour.upstream.requests)
        remaining = children(command.process.pid)
        command.process.terminate()

        assert command.ended() == 0
        asking.join(10)
        assert asking.answer.status == 200
        assert not [worker for worker in remaining if is_running(worker)]


def _patiently(command):
    """One connection may have been handed to the worker that was lost."""
    for _ in range(50):
        try:
            return command.rest("GET", "/ships/s-1").status
        except OSError:
            time.sleep(0.05)
    return 0


@pytest.mark.slow
def test_workers_end_with_a_supervisor_that_was_killed(folder, environment):
    with start(folder, environment, "--workers", "2") as command:
        workers = children(command.ready().process.pid)
        end(command.process.pid)
        command.ended()

        until(lambda: not [worker for worker in workers if is_running(worker)])


def test_the_built_in_upstream_ends_with_a_command_that_was_killed(folder):
    with Command(folder, "harbour.yaml", "--mock", *FREE) as command:
        (mock,) = children(command.ready().process.pid)
        assert command.rest("GET", "/ships/s-1").status == 200
        end(command.process.pid)
        command.ended()

        until(lambda: not is_running(mock))


# ---- standard streams


HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}  # fmt: skip


def call(number, name, **arguments):
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def test_a_conversation_ends_with_its_input_and_holds_nothing_but_the_protocol(folder, environment, harbour):
    harbour.answers(json={"id": "s-1"})
    harbour.upstream.replies(401, json={}, path="/ships")
    messages = [HELLO, call(2, "find-ship", id="s-1"), call(3, "list-ships"), call(4, "nothing")]
    with start(folder, environment, "--stdio", "--log-level", "debug", stdin=subprocess.PIPE) as command:
        command.process.stdin.write(b"".join(json.dumps(one).encode() + b"\n" for one in messages))
        command.process.stdin.close()
        assert command.ended() == 0

        answers = {answer["id"]: answer for answer in map(json.loads, command.stdout.splitlines())}
        assert set(answers) == {1, 2, 3, 4}
        assert answers[2]["result"]["isError"] is False
        assert answers[3]["result"]["isError"] is True
        assert answers[4]["error"]["code"] == -32602
        assert "naftiko-run serves Harbour" in command.stderr
        assert SECRET not in command.stdout + command.stderr


def test_a_conversation_ends_in_order_when_told_to(folder, environment):
    with start(folder, environment, "--stdio", stdin=subprocess.PIPE) as command:
        command.ready()
        command.process.terminate()

        assert command.ended() == 0
        assert "Traceback" not in command.stderr


def test_listeners_serve_on_beside_streams_that_are_at_their_end(folder, environment, harbour):
    harbour.answers(json=[])
    file = changed(folder, "both.yaml", lambda capability: capability["exposes"][1].update(transport="stdio"))

    with Command(folder, file, "--port", "rest=0", environment=environment) as command:
        command.ready()
        assert "  mcp   standard input and output  (3 tools)" in command.stderr
        time.sleep(0.2)
        assert command.rest("GET", "/ships").status == 200
        command.process.terminate()
        assert command.ended() == 0


@pytest.mark.slow
def test_streams_cannot_be_shared_by_workers(folder, environment):
    file = changed(folder, "both.yaml", lambda capability: capability["exposes"][1].update(transport="stdio"))

    code, _, stderr = run(folder, file, "--port", "rest=0", "--workers", "2", environment=environment)

    assert code == 2
    assert "cannot be shared by several workers" in stderr
