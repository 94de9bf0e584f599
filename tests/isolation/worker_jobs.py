"""Jobs for the tests of worker processes; each tries one thing and says what came of it."""

import _thread
import ctypes
import json
import mmap
import os
import resource
import socket
import threading

from naftiko_run.isolation.jobs import Refused


def spin():
    while True:
        pass


def wait():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def hoard():
    kept = []
    while True:
        kept.append(bytearray(16 << 20))


def refuse(kind):
    raise Refused("no, thank you", kind=kind)


def crash():
    ctypes.string_at(0)


def native(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "denied")


TRIES = {
    "echo": lambda: "done",
    "environment": lambda: json.dumps(dict(os.environ)),
    "limits": lambda: json.dumps(
        [resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0] for name in ("AS", "NOFILE", "FSIZE", "CORE")]
    ),
    "descriptors": lambda: json.dumps([fd for fd in range(16) if _is_open(fd)]),
    "pid": lambda: str(os.getpid()),
    "sleep": wait,
    "spin": spin,
    "hoard": hoard,
    "refuse": lambda: refuse("format"),
    "refuse-limit": lambda: refuse("limit"),
    "raise": lambda: 1 // 0,
    "exit": lambda: os._exit(3),
    "crash": crash,
    "flood": lambda: "x" * (70 << 20),
    "open": lambda: os.open("/etc/hostname", os.O_RDONLY),
    "write": lambda: os.open("/tmp/naftiko-run-escaped", os.O_WRONLY | os.O_CREAT),
    "list": lambda: os.listdir("/"),
    "stat": lambda: os.stat("/etc/passwd"),
    "remove": lambda: os.unlink("/tmp/naftiko-run-escaped"),
    "socket": lambda: socket.socket(),
    "unix-socket": lambda: socket.socket(socket.AF_UNIX),
    "pair": lambda: socket.socketpair(),
    "fork": lambda: os.fork(),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "thread": lambda: _thread.start_new_thread(spin, ()),
    "kill": lambda: os.kill(1, 0),
    "pipe": lambda: os.pipe(),
    "ptrace": lambda: native(101, 0, 0, 0, 0),
    "keys": lambda: native(248, 0, 0, 0, 0, 0),
    "mount": lambda: native(165, 0, 0, 0, 0, 0),
    "bpf": lambda: native(321, 0, 0, 0),
    "io-uring": lambda: native(425, 1, 0),
    "other-abi": lambda: native(0x40000000 + 39),
    "chdir": lambda: os.chdir("/tmp"),
    "setsid": lambda: os.setsid(),
    "executable-memory": lambda: mmap.mmap(-1, 4096, prot=7),
    "raise-limit": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1)),
    "more-memory": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (17, 17)),
}


def _is_open(fd):
    try:
        os.lseek(fd, 0, os.SEEK_CUR)
    except OSError as exc:
        return exc.errno != 9
    return True


def open_job(name):
    def run(payload):
        try:
            return str(TRIES[payload.decode()]()).encode()
        except OSError as exc:
            return f"denied {exc.errno}".encode()
        except RuntimeError as exc:  # what a refused thread is
            return f"denied {exc}".encode()

    return run
