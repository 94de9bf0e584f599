"""The system calls a worker may make, by profile, with their numbers on x86-64 and AArch64.

Everything not named is denied. A rule ``(argument, mask)`` allows a call only where that argument has none of the mask's bits.
"""

from __future__ import annotations

from naftiko_run.isolation.jobs import Profile

Rule = tuple[int, int] | None

_WRITING = 0o3 | 0o100 | 0o1000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC
_EXECUTABLE = 0x4  # PROT_EXEC
_NAMESPACES = 0x7E020080  # CLONE_NEW*
_ANY = 0xFFFFFFFF

# fmt: off
CLOSED: dict[str, Rule] = {
    **dict.fromkeys((
        "read", "write", "readv", "writev", "close", "lseek", "munmap", "mremap", "madvise", "brk", "rt_sigaction",
        "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "futex", "clock_gettime", "clock_getres", "gettimeofday", "getrandom",
        "getpid", "gettid", "getrusage", "exit", "exit_group", "sched_yield", "rseq", "restart_syscall", "membarrier",
    )),
    "mmap": (2, _EXECUTABLE),
    "mprotect": (2, _EXECUTABLE),
    "prlimit64": (0, _ANY),  # its own limits alone
}
HOSTING: dict[str, Rule] = {
    **CLOSED,
    **dict.fromkeys((
        "mmap", "mprotect", "newfstatat", "fstat", "stat", "lstat", "statx", "access", "faccessat", "faccessat2", "readlink",
        "readlinkat", "getcwd", "getdents64", "pread64", "vfork", "execve", "wait4", "waitid", "pipe", "pipe2", "dup", "dup2",
        "dup3", "fcntl", "ioctl", "set_tid_address", "set_robust_list", "arch_prctl", "prctl", "sched_getaffinity", "sysinfo",
        "uname", "getuid", "geteuid", "getgid", "getegid", "getppid", "epoll_create1", "epoll_ctl", "epoll_wait",
        "epoll_pwait", "eventfd2", "poll", "ppoll", "sendmsg", "recvmsg", "sendto", "recvfrom", "pidfd_open", "nanosleep",
        "clock_nanosleep", "prlimit64",
    )),
    "open": (1, _WRITING),
    "openat": (2, _WRITING),
    "clone": (0, _NAMESPACES),
    "socketpair": (0, _ANY & ~1),  # AF_UNIX
}
PROFILES: dict[Profile, dict[str, Rule]] = {"closed": CLOSED, "hosting": HOSTING}

X86_64 = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8, "mmap": 9,
    "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "ioctl": 16,
    "pread64": 17, "readv": 19, "writev": 20, "access": 21, "pipe": 22, "sched_yield": 24, "mremap": 25, "madvise": 28,
    "dup": 32, "dup2": 33, "nanosleep": 35, "getpid": 39, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47,
    "socketpair": 53, "clone": 56, "vfork": 58, "execve": 59, "exit": 60, "wait4": 61, "uname": 63, "fcntl": 72,
    "getcwd": 79, "readlink": 89, "gettimeofday": 96, "getrusage": 98, "sysinfo": 99, "getuid": 102, "getgid": 104,
    "geteuid": 107, "getegid": 108, "getppid": 110, "sigaltstack": 131, "prctl": 157, "arch_prctl": 158, "gettid": 186,
    "futex": 202, "sched_getaffinity": 204, "getdents64": 217, "set_tid_address": 218, "restart_syscall": 219,
    "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "epoll_wait": 232,
    "epoll_ctl": 233, "waitid": 247, "openat": 257, "newfstatat": 262, "readlinkat": 267, "faccessat": 269, "ppoll": 271,
    "set_robust_list": 273, "epoll_pwait": 281, "eventfd2": 290, "epoll_create1": 291, "dup3": 292, "pipe2": 293,
    "prlimit64": 302, "getrandom": 318, "membarrier": 324, "statx": 332, "rseq": 334, "pidfd_open": 434, "clone3": 435,
    "faccessat2": 439,
}
AARCH64 = {
    "getcwd": 17, "eventfd2": 19, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "dup": 23, "dup3": 24, "fcntl": 25,
    "ioctl": 29, "faccessat": 48, "openat": 56, "close": 57, "pipe2": 59, "getdents64": 61, "lseek": 62, "read": 63,
    "write": 64, "readv": 65, "writev": 66, "pread64": 67, "ppoll": 73, "readlinkat": 78, "newfstatat": 79, "fstat": 80,
    "exit": 93, "exit_group": 94, "waitid": 95, "set_tid_address": 96, "futex": 98, "set_robust_list": 99, "nanosleep": 101,
    "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123, "sched_yield": 124,
    "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "uname": 160,
    "getrusage": 165, "prctl": 167, "gettimeofday": 169, "getpid": 172, "getppid": 173, "getuid": 174, "geteuid": 175,
    "getgid": 176, "getegid": 177, "gettid": 178, "sysinfo": 179, "socketpair": 199, "sendto": 206, "recvfrom": 207,
    "sendmsg": 211, "recvmsg": 212, "brk": 214, "munmap": 215, "mremap": 216, "clone": 220, "execve": 221, "mmap": 222,
    "mprotect": 226, "madvise": 233, "wait4": 260, "prlimit64": 261, "getrandom": 278, "membarrier": 283, "statx": 291,
    "rseq": 293, "pidfd_open": 434, "clone3": 435, "faccessat2": 439,
}
# fmt: on

# Machine as the kernel names it -> the audit word that marks its calls, and the numbers.
MACHINES: dict[str, tuple[int, dict[str, int]]] = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}
