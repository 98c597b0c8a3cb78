"""`DocumentReader`: a stranger's PDF in, a bounded result out, whatever the document does.

Documents are opened in throwaway children of a warm process (`zygote`), which is started by exec, not forked from the
worker: a worker has librdkafka's threads, and a fork of a process with threads may stand still for ever.
"""

import asyncio
import fcntl
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

from pydantic import ValidationError

from processors.readers.reasons import DEADLINE, FINDINGS, UNAVAILABLE, UNREADABLE
from processors.readers.sandbox.zygote import ANSWER_BYTES
from processors.readers.text.reading import refusal
from processors.readers.versions import text_reader
from schemas.verification import ExtractedField, Extraction

START_SECONDS = 10.0
FROZEN_SECONDS = 10.0
ZYGOTE = (sys.executable, "-I", "-m", "processors.readers.sandbox.zygote")
PACKETS_MAX = 3
"""About one document: that it was taken, the child's one answer, and how the child ended."""
_log = logging.getLogger(__name__)
_RAN_OUT = {-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGABRT, -signal.SIGTRAP, -signal.SIGILL, -signal.SIGSEGV}
"""How a child ends that met a limit: the kernel's for processor time, or PDFium's ways to end without memory."""


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What reading gave: fields with `read`, otherwise a code of `reasons.REASONS`.

    `deadline` means that more time may help, `unavailable` that the reader itself is down; `unreadable` is final.
    """

    status: Literal["read", "unreadable", "deadline", "unavailable"]
    reason: str | None = None
    fields: tuple[ExtractedField, ...] = ()
    findings: tuple[str, ...] = ()
    pages: int = 0


_UNSAID = {"sha256": "0" * 64, "kind": "payslip", "status": "read", "reader": "text", "lane": "fast"}
"""The parts of an extraction that are not the child's to say, filled in so that the others can be validated."""
_LATE = ReadResult("deadline", DEADLINE)
_DOWN = ReadResult("unavailable", UNAVAILABLE)
_FAILED = ReadResult("unreadable", "reader_failed")
_TOO_MANY_ANSWERS: list[dict[str, Any]] = [{}]
"""Stands for the words of a child that said more than one answer: an answer that does not validate."""


class ReaderUnavailableError(RuntimeError):
    """The zygote did not start: what it said of it stands in the log."""


class DocumentReader:
    """Reads documents, at most `parallel` at once (default: one per processor). Use it from one event loop."""

    def __init__(self, parallel: int | None = None) -> None:
        self.id = text_reader()
        self.parallel = parallel or os.cpu_count() or 1
        self._slots = asyncio.Semaphore(self.parallel)
        self._starting: asyncio.Task[None] | None = None
        self._zygote: _Zygote | None = None

    async def start(self) -> None:
        """Start the zygote now rather than within the first document's deadline. Raises `ReaderUnavailableError`."""
        await self._warm()

    async def read(self, data: bytes, kind: str, media_type: str, deadline_s: float) -> ReadResult:
        """The fields of one document. Never raises; a cancelled call kills its child.

        `deadline_s` bounds the reading, not the wait for a place: another document's slowness is not this one's.
        """
        if reason := refusal(data, kind, media_type):
            return ReadResult("unreadable", reason)
        async with self._slots:
            try:
                async with asyncio.timeout(deadline_s):
                    return await self._read(data, kind, deadline_s)
            except TimeoutError:
                return _LATE

    async def close(self) -> None:
        """End the zygote and every child; a later read starts anew."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
            self._starting = None
        if self._zygote is not None:
            self._zygote.end()
            self._zygote = None

    async def _read(self, data: bytes, kind: str, deadline_s: float) -> ReadResult:
        # Once more with a new zygote where the first one died: that was not this document's fault.
        for _ in range(2):
            try:
                packets = await (await self._warm()).ask(data, kind, deadline_s)
            except ReaderUnavailableError as error:
                _log.warning("%s", error)
                continue
            if packets and packets[-1].get("exit", "none") is not None:
                return _result(packets)
        return _DOWN

    async def _warm(self) -> "_Zygote":
        while self._zygote is None or not self._zygote.answers():
            if self._starting is None or self._starting.done():
                self._starting = asyncio.create_task(self._replace())
            # A start may outlast the deadline of the document that wanted it: the next one finds it done.
            await asyncio.shield(self._starting)
        return self._zygote

    async def _replace(self) -> None:
        if self._zygote is not None:
            self._zygote.end()
            self._zygote = None
        self._zygote = await _Zygote.started()


class _Zygote:
    """The warm process and the socket that orders children of it."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._unheard_since: float | None = None
        self._gone = False

    @classmethod
    async def started(cls) -> "_Zygote":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            process = subprocess.Popen(  # noqa: ASYNC220 - milliseconds, and no child watcher to depend on
                [*ZYGOTE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={},
                start_new_session=True,  # Ctrl-C is for the worker, which then ends us
            )
        threading.Thread(target=_pass_on, args=(process.stderr,), name="document reader's words", daemon=True).start()
        zygote = cls(process, ours)
        try:
            async with asyncio.timeout(START_SECONDS):
                said = await asyncio.get_running_loop().sock_recv(ours, 16)
        except BaseException as error:
            zygote.end()
            if isinstance(error, TimeoutError | OSError):
                raise ReaderUnavailableError("the document reader did not start in time") from error
            raise
        if said != b"ready":
            zygote.end()
            raise ReaderUnavailableError("the document reader did not start")
        return zygote

    def answers(self) -> bool:
        """False when it has ended, or when it has taken orders for a while and shown no sign of life."""
        frozen = self._unheard_since is not None and monotonic() - self._unheard_since > FROZEN_SECONDS
        return not (self._gone or frozen) and self._process.poll() is None

    async def ask(self, data: bytes, kind: str, seconds: float) -> list[dict[str, Any]]:
        """The packets about one document: the child's answer if it gave one, then its exit. Empty: nobody is there.

        A child that says more is not listened to: hanging up on it makes the zygote kill it.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        packets: list[dict[str, Any]] = []
        with ours:
            try:
                with theirs:
                    self._order(data, json.dumps({"kind": kind, "seconds": seconds}).encode(), theirs)
                self._unheard_since = self._unheard_since or monotonic()
                while packet := await asyncio.get_running_loop().sock_recv(ours, ANSWER_BYTES + 1):
                    self._unheard_since = None
                    if len(packets) == PACKETS_MAX:
                        return _TOO_MANY_ANSWERS
                    packets.append(_as_object(packet))
            except OSError:
                packets.clear()
        # It may still look alive for a moment after it was killed.
        self._gone = self._gone or not packets
        return packets[1:]  # the first only says that the order was taken

    def _order(self, data: bytes, order: bytes, answer: socket.socket) -> None:
        document = _sealed_memory(data)
        try:
            socket.send_fds(self._control, [order], [document, answer.fileno()])
        finally:
            os.close(document)

    def end(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()


def _pass_on(words: Iterable[bytes]) -> None:
    """Log what the zygote writes to its standard error. (A document's child has none: it could say what it found.)"""
    for line in words:
        if line.strip():
            _log.warning("the document reader says: %s", line.decode(errors="replace").strip())


def _sealed_memory(data: bytes) -> int:
    descriptor = os.memfd_create("document", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


def _as_object(packet: bytes) -> dict[str, Any]:
    try:
        value = json.loads(packet)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _result(packets: list[dict[str, Any]]) -> ReadResult:
    answer, status = packets[0], packets[-1].get("exit")
    if "exit" in answer:
        if status == -signal.SIGALRM:
            return _LATE
        return ReadResult("unreadable", "resource_limit" if status in _RAN_OUT else "reader_failed")
    said = _validated(answer)
    if said is None:
        return _FAILED
    if said.reason is not None:
        return ReadResult("unreadable", said.reason, findings=said.findings, pages=said.pages)
    return ReadResult("read", None, said.fields, said.findings, said.pages)


def _validated(answer: dict[str, Any]) -> Extraction | None:
    """A child's answer is a stranger's words: only what an extraction can hold, in codes of ours, is taken over."""
    parts = {part: answer.get(part) for part in ("fields", "findings", "reason", "pages")}
    try:
        said = Extraction.model_validate_json(json.dumps(_UNSAID | parts), extra="forbid")
    except (ValidationError, RecursionError):
        return None
    ours = FINDINGS.issuperset(said.findings) and (said.reason is None or said.reason in UNREADABLE)
    return said if ours else None
