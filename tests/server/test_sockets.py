"""Listening sockets, and what an operator reads when one cannot be had."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from naftiko_run.errors import BindingError
from naftiko_run.server.sockets import open_socket


def test_a_socket_is_bound_with_nagle_off():
    with open_socket("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert listening.getsockname()[0] == "127.0.0.1"


def test_localhost_is_the_address_most_clients_try():
    with open_socket("localhost", 0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_an_ipv6_address_may_be_in_brackets():
    with open_socket("[::1]", 0) as listening:
        assert listening.getsockname()[0] == "::1"


def test_a_port_held_by_another_process_is_named():
    code = "import socket,sys; s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        port = int(other.stdout.readline())

        with pytest.raises(BindingError) as caught:
            open_socket("127.0.0.1", port)
        other.communicate("")

    assert caught.value.code == "E-PORT-IN-USE"
    assert caught.value.message == f"port {port} on 127.0.0.1 is in use by another process"
    assert "--port-offset" in caught.value.hint


def test_a_port_just_left_can_be_had_again():
    with open_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted = listening.accept()[0] if select_ready(listening) else None
            assert accepted is not None
            accepted.close()  # our side closes first: it is left in TIME_WAIT
            client.recv(1)

    open_socket("127.0.0.1", port).close()


def select_ready(listening: socket.socket) -> bool:
    return bool(select.select([listening], [], [], 1)[0])


@pytest.mark.parametrize(
    ("address", "code"), [("192.0.2.1", "E-ADDRESS"), ("no such host", "E-ADDRESS")], ids=["not ours", "no address"]
)
def test_an_unusable_address_is_a_sentence(address, code):
    with pytest.raises(BindingError) as caught:
        open_socket(address, 0)

    assert (caught.value.code, bool(caught.value.hint)) == (code, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may bind every port")
def test_a_privileged_port_is_a_sentence():
    start = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if start < 2:
        pytest.skip("every port is free to use here")

    with pytest.raises(BindingError) as caught:
        open_socket("127.0.0.1", 1)

    assert caught.value.code == "E-PORT-DENIED"
