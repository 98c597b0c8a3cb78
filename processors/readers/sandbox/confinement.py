"""What a process gives up, for good, before it touches a stranger's PDF. Linux on x86_64 and aarch64.

After `confine` the process holds two descriptors (a document to read, a socket to answer on), may allocate up to a
limit, compute up to a limit, answer and end. Everything else is refused by the kernel with EPERM, for root too, where
limits on the number of processes do not bind.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
from contextlib import suppress
from dataclasses import dataclass

MEMORY_BYTES = 1024**3
CPU_SECONDS = 8
NICENESS = 5
"""A third of a busy process' share: a clean page beside busy stages is mostly read within the fast lane's 300 ms, and
bombs leave the stages three quarters of every processor (figures: docs/measured.md)."""

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ALLOWED: dict[str, tuple[int, int]] = {
    # name: (x86_64, aarch64). Nothing here opens, connects, starts, signals, or passes a descriptor.
    "read": (0, 63),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "getpid": (39, 172),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "clock_gettime": (228, 113),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
}
_ALLOWED_NOT_EXECUTABLE: dict[str, tuple[int, int]] = {"mmap": (9, 222), "mprotect": (10, 226)}
_PROT_EXEC = 4
_ALLOWED_NOT_EMPTY: dict[str, tuple[int, int]] = {"write": (1, 64)}
"""A packet of no bytes looks like the end of what the zygote says, and so like a zygote that died."""

# Classic BPF, as seccomp(2) has it: loads read struct seccomp_data {int nr; u32 arch; u64 ip; u64 args[6]}.
_LOAD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_GREATER_EQUAL = 0x35
_JUMP_SET = 0x45
_RETURN = 0x06
_AT_NUMBER, _AT_ARCH, _AT_THIRD_ARGUMENT = 0, 4, 32
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000
_X32_BIT = 0x40000000


class ConfinementUnsupportedError(RuntimeError):
    """A process cannot be confined here: another architecture, or a kernel without seccomp filters."""


@dataclass(frozen=True, slots=True)
class _Instruction:
    code: int
    value: int
    if_true: int = 0
    if_false: int = 0

    def packed(self) -> bytes:
        return struct.pack("HBBI", self.code, self.if_true, self.if_false, self.value)


def filter_program(machine: str) -> bytes:
    """The seccomp filter for `machine` (as `platform.machine()` names it): default refuse, with a short allow list.

    Raises `ConfinementUnsupportedError` for a machine whose system call numbers are not in the table.
    """
    if machine not in AUDIT_ARCH:
        raise ConfinementUnsupportedError(f"documents are read on {' or '.join(AUDIT_ARCH)}, found {machine}")
    column = list(AUDIT_ARCH).index(machine)
    program = [
        _Instruction(_LOAD, _AT_ARCH),
        _Instruction(_JUMP_EQUAL, AUDIT_ARCH[machine], if_true=1),
        _Instruction(_RETURN, _KILL),
        _Instruction(_LOAD, _AT_NUMBER),
        # The x32 numbers are a second way to the same calls.
        _Instruction(_JUMP_GREATER_EQUAL, _X32_BIT, if_false=1),
        _Instruction(_RETURN, _KILL),
    ]
    for numbers in _ALLOWED.values():
        program += [_Instruction(_JUMP_EQUAL, numbers[column], if_false=1), _Instruction(_RETURN, _ALLOW)]
    for numbers in _ALLOWED_NOT_EXECUTABLE.values():
        program += [
            _Instruction(_JUMP_EQUAL, numbers[column], if_false=4),
            _Instruction(_LOAD, _AT_THIRD_ARGUMENT),
            _Instruction(_JUMP_SET, _PROT_EXEC, if_true=1),
            _Instruction(_RETURN, _ALLOW),
            _Instruction(_RETURN, _REFUSE),
        ]
    for numbers in _ALLOWED_NOT_EMPTY.values():
        program += [
            _Instruction(_JUMP_EQUAL, numbers[column], if_false=4),
            _Instruction(_LOAD, _AT_THIRD_ARGUMENT),
            _Instruction(_JUMP_EQUAL, 0, if_true=1),
            _Instruction(_RETURN, _ALLOW),
            _Instruction(_RETURN, _REFUSE),
        ]
    program.append(_Instruction(_RETURN, _REFUSE))
    return b"".join(instruction.packed() for instruction in program)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *arguments: object) -> None:
    padded = [*arguments, *[ctypes.c_ulong(0)] * (4 - len(arguments))]
    if _libc.prctl(ctypes.c_int(option), *padded) != 0:
        code = ctypes.get_errno()
        raise ConfinementUnsupportedError(f"prctl {option} is refused by this kernel: {os.strerror(code)}")


def install_filter() -> None:
    """Put the seccomp filter on this thread and everything after it. There is no way back."""
    program = filter_program(platform.machine())
    _prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
    _prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(_Program(len(program) // 8, program)))


def _give_way() -> None:
    """Let everybody else have the processors first: decisions do not wait for a stranger's document."""
    os.nice(NICENESS)
    # Where Linux shares processors out among sessions, the session's own niceness counts, and this one is new.
    with suppress(OSError):
        descriptor = os.open("/proc/self/autogroup", os.O_WRONLY)
        try:
            os.write(descriptor, str(NICENESS).encode())
        finally:
            os.close(descriptor)


def confine(parent: int, seconds: float) -> None:
    """Give up everything but memory, time and the open descriptors; die with `parent`, or after `seconds` of wall time.

    Raises `ConfinementUnsupportedError` where the kernel refuses; the caller must then not read the document.
    """
    os.setsid()
    _prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)
    _give_way()
    signal.setitimer(signal.ITIMER_REAL, seconds)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    install_filter()
