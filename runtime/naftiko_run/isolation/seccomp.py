"""A worker's system-call filter: a profile becomes a BPF program, and the kernel holds this process to it for good.

The program is short enough to write out here; a library for it would need a C library that slim images leave out.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

from naftiko_run.isolation.jobs import Profile
from naftiko_run.isolation.syscalls import MACHINES, PROFILES, Rule

_LOAD, _JUMP_EQUAL, _JUMP_SET, _JUMP_NOT_BELOW, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_OTHER_ABI = 0x40000000  # x32 calls on x86-64
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2


def no_new_privileges() -> bool:
    """From here on, no program started from this process can gain a privilege. Landlock and the filter both need it."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)


def install_filter(profile: Profile) -> bool:
    """Hold this process to ``profile``; ``False`` where this system has no such filter."""
    if sys.platform != "linux" or os.uname().machine not in MACHINES or struct.calcsize("P") != 8:
        return False
    code = filter_program(profile, os.uname().machine)
    instructions = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(instructions))
    return bool(ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _FILTER_MODE, program, 0, 0) == 0)


def filter_program(profile: Profile, machine: str) -> bytes:
    """The BPF instructions: the machine is checked first, then each allowed call in turn; anything else is ``EPERM``."""
    mark, numbers = MACHINES[machine]
    code = [
        _step(_LOAD, _MACHINE),
        _step(_JUMP_EQUAL, mark, yes=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_JUMP_NOT_BELOW, _OTHER_ABI, no=1),
        _step(_RETURN, _ERRNO | errno.EPERM),
        # "No such call" makes the C library fall back to clone, whose flags can be looked at.
        _step(_JUMP_EQUAL, numbers["clone3"], no=1),
        _step(_RETURN, _ERRNO | errno.ENOSYS),
    ]
    for name, rule in PROFILES[profile].items():
        if name in numbers:
            code += _allow(numbers[name], rule)
    return b"".join([*code, _step(_RETURN, _ERRNO | errno.EPERM)])


def _allow(number: int, rule: Rule) -> list[bytes]:
    if rule is None:
        return [_step(_JUMP_EQUAL, number, no=1), _step(_RETURN, _ALLOW)]
    argument, mask = rule
    return [
        _step(_JUMP_EQUAL, number, no=4),
        _step(_LOAD, _ARGUMENTS + 8 * argument),  # the low half: both machines are little-endian
        _step(_JUMP_SET, mask, no=1),
        _step(_RETURN, _ERRNO | errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]


def _step(operation: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", operation, yes, no, value)
