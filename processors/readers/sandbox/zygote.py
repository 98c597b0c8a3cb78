"""A warm process that forks one confined, throwaway child per document. Started as `python -m` by the reader.

It speaks packets on an inherited socket: a request is `{"kind", "seconds"}` with two descriptors, a memory file that
holds the document and a socket to answer on. There the zygote says `{"taken": true}`, the child its one answer, and the
zygote `{"exit": status}` when the child has ended, and closes. Whoever closes the other end early has the child killed.
When the control socket closes the zygote ends, and its children with it.
"""

import fcntl
import gc
import json
import os
import selectors
import signal
import socket
import sys
from dataclasses import asdict
from typing import NoReturn

from processors.readers.found import Found
from processors.readers.sandbox.confinement import confine
from processors.readers.sandbox.warm_up import SAMPLES
from processors.readers.text.reading import read_document

REQUEST_BYTES = 1024
ANSWER_BYTES = 64 * 1024
SPARE_SECONDS = 1.0
"""The reader keeps the deadline; the kernel's alarm, this much later, is for a reader that is gone or frozen."""


def main() -> None:
    """Serve the control socket whose descriptor is the only argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for kind, sample in SAMPLES.items():
        read_document(sample, kind)
    _prove_confinement()
    gc.disable()  # a child lives for one document, and a collection would copy every page of memory it touches
    gc.freeze()
    control.send(b"ready")
    _serve(control)


def _serve(control: socket.socket) -> None:
    children: dict[int, tuple[int, socket.socket]] = {}  # pidfd -> (pid, answer socket)
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is control:
                    request, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, 2)
                    if not request:
                        return
                    _start(request, descriptors, selector, children)
                elif key.data is None:
                    pid, answer = children.pop(key.fd)
                    _finish(key.fd, pid, answer, selector)
                elif key.data in children and children[key.data][1] is key.fileobj:
                    # The reader hung up: nobody waits for this child any more. (A child that ended in this same round
                    # may have left its descriptor's number to another.)
                    signal.pidfd_send_signal(key.data, signal.SIGKILL)
                    selector.unregister(key.fileobj)


def _start(
    request: bytes,
    descriptors: list[int],
    selector: selectors.BaseSelector,
    children: dict[int, tuple[int, socket.socket]],
) -> None:
    document, answer = descriptors[0], socket.socket(fileno=descriptors[1])
    parent = os.getpid()
    _say(answer, {"taken": True})
    try:
        pid = os.fork()
    except OSError:
        _say(answer, {"exit": None})
        answer.close()
        os.close(document)
        return
    if pid == 0:
        _child(request, document, answer, parent)
    os.close(document)
    pidfd = os.pidfd_open(pid)
    children[pidfd] = (pid, answer)
    selector.register(pidfd, selectors.EVENT_READ, None)
    selector.register(answer, selectors.EVENT_READ, pidfd)


def _finish(pidfd: int, pid: int, answer: socket.socket, selector: selectors.BaseSelector) -> None:
    _, status = os.waitpid(pid, 0)
    selector.unregister(pidfd)
    if answer in selector.get_map():
        selector.unregister(answer)
    os.close(pidfd)
    _say(answer, {"exit": os.waitstatus_to_exitcode(status)})
    answer.close()


def _say(answer: socket.socket, packet: dict[str, object]) -> None:
    try:
        answer.send(json.dumps(packet).encode(), socket.MSG_NOSIGNAL)
    except OSError:
        return  # the reader hung up and knows why


def _child(request: bytes, document: int, answer: socket.socket, parent: int) -> NoReturn:
    status = 1
    try:
        order = json.loads(request)
        source, sink = _only(document, answer.fileno())
        confine(parent, float(order["seconds"]) + SPARE_SECONDS)
        os.write(sink, _answer(source, order["kind"]))
        status = 0
    finally:
        # Also after an exception: its text could hold what the document says, so the exit code is all that is told.
        os._exit(status)


def _only(document: int, answer: int) -> tuple[int, int]:
    """Keep these two descriptors (moved to 3 and 4), and nothing else but /dev/null."""
    null = os.open(os.devnull, os.O_RDWR)
    # First out of the way of the numbers they move to.
    document, answer, null = (fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in (document, answer, null))
    for target, source in enumerate((null, null, null, document, answer)):
        os.dup2(source, target)
    os.closerange(5, os.sysconf("SC_OPEN_MAX"))
    return 3, 4


def _answer(document: int, kind: str) -> bytes:
    try:
        size = os.lseek(document, 0, os.SEEK_END)  # fstat may be a path call to the kernel, and is refused
        found = read_document(os.pread(document, size, 0), kind)
    except MemoryError:
        found = Found(reason="resource_limit")
    packet = json.dumps(asdict(found)).encode()
    return packet if len(packet) <= ANSWER_BYTES else json.dumps(asdict(Found(reason="too_large"))).encode()


def _prove_confinement() -> None:
    """End the zygote with one line where a child cannot be confined: then no document is read at all."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            confine(parent, SPARE_SECONDS)
            os._exit(0 if _is_confined() else 2)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        sys.exit("documents cannot be read: this machine lacks seccomp filters or resource limits")


def _is_confined() -> bool:
    try:
        socket.socket().close()
    except PermissionError:
        return True
    return False


if __name__ == "__main__":
    main()
