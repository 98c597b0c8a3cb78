"""The reader against documents, and code, that mean harm."""

import asyncio
import io
import json
import math
import os
import signal
import sys
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pikepdf
import psutil
import pytest

from processors.readers.reasons import REASONS
from processors.readers.sandbox import reader as sandbox
from processors.readers.sandbox.confinement import (
    MEMORY_BYTES,
    NICENESS,
    ConfinementUnsupportedError,
    filter_program,
)
from processors.readers.sandbox.reader import DocumentReader, ReadResult
from processors.readers.sandbox.warm_up import SAMPLES, smallest_pdf
from schemas.verification import ExtractedField

Result = TypeVar("Result")
PDF = "application/pdf"
CLEAN = SAMPLES["payslip"]


def with_reader(use: Callable[[DocumentReader], Awaitable[Result]], parallel: int = 2) -> Result:
    async def run() -> Result:
        reader = DocumentReader(parallel)
        try:
            return await use(reader)
        finally:
            await reader.close()

    return asyncio.run(run())


def read(data: bytes, kind: str = "payslip", media_type: str = PDF, deadline_s: float = 12.0) -> ReadResult:
    return with_reader(lambda reader: reader.read(data, kind, media_type, deadline_s))


def zygote_of(reader: DocumentReader) -> psutil.Process:
    return psutil.Process(reader._zygote._process.pid)


async def left_over(reader: DocumentReader) -> list[psutil.Process]:
    """The zygote's children, after the time a busy machine may take to end what was killed."""
    for _ in range(200):
        if not zygote_of(reader).children():
            return []
        await asyncio.sleep(0.05)
    return zygote_of(reader).children()


PROBE = """
import ctypes, os, resource, signal, socket, subprocess, sys
from pathlib import Path
from typing import TypeVar
import processors.readers.sandbox.zygote as zygote
from processors.readers.found import Found, FoundField

libc = ctypes.CDLL(None, use_errno=True)

def call(*arguments):
    if libc.syscall(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "")

ATTEMPTS = {
    "network": lambda: socket.socket(socket.AF_INET),
    "unix_socket": lambda: socket.socketpair(),
    "read_a_file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "write_a_file": lambda: os.open(TARGET, os.O_WRONLY | os.O_CREAT),
    "memory_file": lambda: os.memfd_create("x"),
    "list_a_directory": lambda: os.listdir("/"),
    "stat_a_file": lambda: os.stat("/etc/passwd"),
    "remove_a_file": lambda: os.unlink(VICTIM),
    "fork": lambda: os.fork() or os._exit(0),
    "process": lambda: subprocess.run(["true"]),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "signal_the_zygote": lambda: os.kill(os.getppid(), 0),
    "raise_limits": lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
    "stop_the_alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 0),
    "ptrace": lambda: call(101, 16, os.getpid(), 0, 0),
    "io_uring": lambda: call(425, 8, 0),
    "executable_memory": lambda: call(9, 0, 4096, 7, 0x22, -1, 0),
    "send_a_descriptor": lambda: socket.send_fds(socket.socket(fileno=4), [b"x"], [3]),
    "two_gigabytes": lambda: bytearray(2 * 1024**3),
    "write_the_document": lambda: os.write(3, b"x"),
    "an_answer_of_no_bytes": lambda: os.write(4, b""),
    "nothing_wrong": lambda: bytearray(100 * 1024**2) and None,
}

def outcome(attempt):
    try:
        attempt()
    except BaseException as error:
        return type(error).__name__
    return "done"

def probe(data, kind):
    return Found(tuple(FoundField(name, outcome(attempt), 1.0, 1) for name, attempt in ATTEMPTS.items()))

zygote.SAMPLES.clear()
zygote.read_document = probe
zygote.main()
"""


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="numbers of system calls")
def test_a_child_can_do_nothing_but_compute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code inside the child reaches no network, file, process or signal and no 2 GB, as root too."""
    victim = tmp_path / "victim"
    victim.touch()
    probe = tmp_path / "probe.py"
    probe.write_text(PROBE.replace("TARGET", repr(str(tmp_path / "target"))).replace("VICTIM", repr(str(victim))))
    monkeypatch.setattr(sandbox, "ZYGOTE", (sys.executable, "-I", str(probe)))
    outcomes = {field.name: field.value for field in read(CLEAN).fields}
    assert outcomes.pop("nothing_wrong") == "done"
    assert outcomes.pop("two_gigabytes") == "MemoryError"
    assert len(outcomes) == 20
    assert [name for name, value in outcomes.items() if value == "done"] == []
    assert victim.exists()
    assert not (tmp_path / "target").exists()


def test_a_clean_document_is_read() -> None:
    """A clean payslip comes back with its fields and pages."""
    result = read(CLEAN)
    assert (result.status, result.reason, result.pages) == ("read", None, 1)
    assert {field.name: field.value for field in result.fields}["gross_monthly"] == "60000.00"


WHITE = ((300, 810, "Gross Earnings 9,60,000.00"),)


def with_white_text(texts: tuple[tuple[int, int, str], ...], *, field: bool = False) -> bytes:
    """White text under the clean payslip's, or alone; with a form's field, which needs an environment to be painted."""
    pdf = pikepdf.open(io.BytesIO(CLEAN if texts is WHITE else smallest_pdf(())))
    drawing = pdf.pages[0].obj.Contents
    white = "".join(f"q 1 g BT /F 9 Tf {x} {y} Td ({text}) Tj ET Q " for x, y, text in texts)
    drawing.write(white.encode() + drawing.read_bytes())
    if field:
        one = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx, T="a", V="b", Rect=[0, 0, 50, 20]
        )
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[pdf.make_indirect(one)], DA="/Helv 9 Tf 0 g")
        pdf.pages[0].obj.Annots = pikepdf.Array(pdf.Root.AcroForm.Fields)
    return saved(pdf)


@pytest.mark.parametrize("field", [False, True])
def test_a_page_is_looked_at_inside_the_sandbox(*, field: bool) -> None:
    """Painting a page needs nothing that a child gave up: hidden text is found, and what is shown is read."""
    result = read(with_white_text(WHITE, field=field))
    assert (result.status, result.findings) == ("read", ("hidden_text",))
    assert {found.name: found.value for found in result.fields}["gross_monthly"] == "60000.00"


def test_a_finding_outlives_that_nothing_could_be_read() -> None:
    """A document that shows nothing and hides an amount is unreadable and suspicious."""
    result = read(with_white_text(((40, 700, "Gross Earnings 9,60,000.00"), (40, 680, "Net Pay 9,50,000.00"))))
    assert (result.status, result.reason, result.findings) == ("unreadable", "no_text_layer", ("hidden_text",))


FLOOD = """
import os
import processors.readers.sandbox.zygote as zygote

read = zygote.read_document

def flood(data, kind):
    while b"flood" in data:
        os.write(4, b'{"exit": null}')
    return read(data, kind)

zygote.read_document = flood
zygote.main()
"""


def test_a_child_that_does_not_stop_answering_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code inside the child cannot fill its worker: more than one answer is none, and the next document is read."""
    script = tmp_path / "flood.py"
    script.write_text(FLOOD)
    monkeypatch.setattr(sandbox, "ZYGOTE", (sys.executable, "-I", str(script)))
    heard = []
    as_object = sandbox._as_object
    monkeypatch.setattr(sandbox, "_as_object", lambda packet: heard.append(packet) or as_object(packet))

    async def use(reader: DocumentReader) -> tuple[ReadResult, int, list[psutil.Process], ReadResult]:
        await reader.start()
        flooded = await reader.read(CLEAN + b"%flood", "payslip", PDF, 12.0)
        return flooded, len(heard), await left_over(reader), await reader.read(CLEAN, "payslip", PDF, 12.0)

    flooded, packets, left, clean = with_reader(use)
    assert flooded == ReadResult("unreadable", "reader_failed")
    assert packets <= 3
    assert left == []
    assert clean.status == "read"


SPOKEN = {"fields": [], "findings": [], "reason": None, "pages": 1}
FIELD = {"name": "employer", "value": "Acme", "confidence": 0.9, "page": 1}


@pytest.mark.parametrize(
    "answer",
    [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"\xff",
        b"7",
        b"{}",
        json.dumps(SPOKEN | {"pages": math.inf}).encode(),
        json.dumps(SPOKEN | {"pages": 1001}).encode(),
        json.dumps(SPOKEN | {"pages": -1}).encode(),
        json.dumps(SPOKEN | {"fields": [FIELD] * 201}).encode(),
        json.dumps(SPOKEN | {"fields": [FIELD | {"confidence": math.nan}]}).encode(),
        json.dumps(SPOKEN | {"fields": [FIELD | {"value": "\ud800"}]}).encode(),
        json.dumps(SPOKEN | {"findings": ["arithmetic_break"] * 21}).encode(),
        json.dumps(SPOKEN | {"findings": ["no_finding_of_ours"]}).encode(),
        json.dumps(SPOKEN | {"reason": "Asha Rao"}).encode(),
        json.dumps(SPOKEN | {"reason": "no_reason_of_ours"}).encode(),
    ],
    ids=lambda answer: answer[:80].decode(errors="replace"),
)
def test_an_answer_that_no_extraction_can_hold_is_none(answer: bytes) -> None:
    """Whatever code inside the child says, its worker stays up: the document is `reader_failed`."""
    said = [sandbox._as_object(packet) for packet in (answer, b'{"exit": 0}')]
    assert sandbox._result(said) == ReadResult("unreadable", "reader_failed")


def test_an_answer_that_an_extraction_can_hold_is_taken_over() -> None:
    """An answer within the bounds comes out as it was said."""
    said = SPOKEN | {"fields": [FIELD], "findings": ["arithmetic_break"]}
    result = sandbox._result([said, {"exit": 0}])
    assert result == ReadResult("read", None, (ExtractedField(**FIELD),), ("arithmetic_break",), 1)


def pdf_of(content: bytes, **resources: pikepdf.Object) -> bytes:
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    page.obj.Contents = pdf.make_stream(content)
    page.obj.Resources = pikepdf.Dictionary(**resources)
    return saved(pdf)


def saved(pdf: pikepdf.Pdf, **options: object) -> bytes:
    target = io.BytesIO()
    pdf.save(target, **options)
    return target.getvalue()


def flate_bomb() -> bytes:
    """Three megabytes that unpack to a gigabyte of drawing."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    packer = zlib.compressobj(9)
    first = packer.compress(b"0 0 m 9 9 l S " * 75_000) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a block stands alone, and can be repeated without packing it again.
    again = packer.compress(b"0 0 m 9 9 l S " * 75_000) + packer.flush(zlib.Z_FULL_FLUSH)
    page.obj.Contents = pikepdf.Stream(pdf, first + again * 1000, Filter=pikepdf.Name.FlateDecode)
    return saved(pdf, compress_streams=False, recompress_flate=False)


def nested_forms() -> bytes:
    """Twelve forms, each drawing the next ten times: a trillion drawings in two kilobytes."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    form = pdf.make_stream(b"BT /F 9 Tf (x) Tj ET", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
    form.BBox = [0, 0, 595, 842]
    for _ in range(12):
        outer = pdf.make_stream(b"/X Do " * 10, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
        outer.BBox = [0, 0, 595, 842]
        outer.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=form))
        form = outer
    page.obj.Contents = pdf.make_stream(b"/X Do")
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(X=form))
    return saved(pdf)


def ten_thousand_pages() -> bytes:
    pdf = pikepdf.new()
    for _ in range(10_000):
        pdf.add_blank_page(page_size=(595, 842))
    return saved(pdf)


def huge_page() -> bytes:
    pdf = pikepdf.open(io.BytesIO(CLEAN))
    pdf.pages[0].obj.MediaBox = [0, 0, 14_400, 14_400]
    return saved(pdf)


def many_characters() -> bytes:
    pdf = pikepdf.open(io.BytesIO(smallest_pdf(tuple((10, 10 * row, "words " * 16) for row in range(80)))))
    for _ in range(9):
        pdf.pages.append(pdf.pages[0])
    return saved(pdf)


def encrypted() -> bytes:
    return saved(pikepdf.open(io.BytesIO(CLEAN)), encryption=pikepdf.Encryption(owner="owner", user="secret", R=6))


def opens_without_password() -> bytes:
    return saved(pikepdf.open(io.BytesIO(CLEAN)), encryption=pikepdf.Encryption(owner="owner", user="", R=6))


def no_cross_references() -> bytes:
    return b"%PDF-1.7\n" + bytes(range(256)) * 100


@pytest.fixture(scope="module")
def used_by() -> Iterator[Callable[..., Any]]:
    """Hands the one reader of these documents to whoever uses it, one after the other."""
    with asyncio.Runner() as runner:
        reader = DocumentReader(2)
        yield lambda use: runner.run(use(reader))
        runner.run(reader.close())


@pytest.mark.parametrize(
    ("make", "reasons"),
    [
        (flate_bomb, {"resource_limit", "deadline"}),
        (nested_forms, {"resource_limit", "deadline", "no_text_layer"}),
        (ten_thousand_pages, {"too_large"}),
        (huge_page, {"too_large"}),
        (many_characters, {"too_large"}),
        (encrypted, {"encrypted"}),
        (lambda: CLEAN[: len(CLEAN) // 3], {"damaged"}),
        (lambda: b"%PDF-1.4", {"damaged"}),
        (no_cross_references, {"damaged"}),
        (lambda: pdf_of(b"BT ET"), {"no_text_layer"}),
        (lambda: b"", {"empty"}),
        (lambda: b"GIF89a", {"damaged"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_hostile_document_gives_a_reason_and_the_reader_goes_on(
    make: Callable[[], bytes], reasons: set[str], used_by: Callable[..., Any]
) -> None:
    """A bomb, a broken or a locked document ends in a reason within its limits; the next document is read."""
    data = make()
    # Where a deadline is no answer, the child's own limit of processor time ends it, however busy the machine.
    deadline_s = 3.0 if "deadline" in reasons else 120.0

    async def use(reader: DocumentReader) -> tuple[ReadResult, ReadResult]:
        return await reader.read(data, "payslip", PDF, deadline_s), await reader.read(CLEAN, "payslip", PDF, 12.0)

    hostile, clean = used_by(use)
    assert hostile.reason in reasons
    assert hostile.reason in REASONS
    assert hostile.status == ("deadline" if hostile.reason == "deadline" else "unreadable")
    assert hostile.fields == ()
    assert clean.status == "read"


SPIN = """
import itertools
import processors.readers.sandbox.confinement as confinement
import processors.readers.sandbox.zygote as zygote

confinement.CPU_SECONDS = 1
confinement.NICENESS = 0
zygote.SAMPLES.clear()
zygote.read_document = lambda data, kind: sum(itertools.repeat(0))
zygote.main()
"""


def test_a_child_ends_at_its_limit_of_processor_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that computes for ever ends by itself, however much time its reader would give it."""
    script = tmp_path / "spin.py"
    script.write_text(SPIN)
    monkeypatch.setattr(sandbox, "ZYGOTE", (sys.executable, "-I", str(script)))
    assert read(CLEAN, deadline_s=120.0) == ReadResult("unreadable", "resource_limit")


def test_an_owner_password_alone_does_not_lock() -> None:
    """A bank's usual PDF, encrypted but opened without a password, is read."""
    assert read(opens_without_password()).status == "read"


def test_a_bomb_stays_within_its_memory() -> None:
    """While a bomb goes off no child is ever larger than its limit, and none is left afterwards."""
    bomb = flate_bomb()

    async def use(reader: DocumentReader) -> tuple[int, list[psutil.Process]]:
        await reader.start()
        reading = asyncio.create_task(reader.read(bomb, "payslip", PDF, 4.0))
        largest = 0
        while not reading.done():
            for child in zygote_of(reader).children():
                try:
                    largest = max(largest, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            await asyncio.sleep(0.02)
        return largest, await left_over(reader)

    largest, left = with_reader(use)
    assert 0 < largest <= MEMORY_BYTES
    assert left == []


def niceness(process: psutil.Process) -> tuple[int, int]:
    """Of a process, and of its session: that one is not asked where the kernel has none, or lets root alone set it."""
    group = Path(f"/proc/{process.pid}/autogroup")
    if os.geteuid() != 0 or not group.exists():
        return process.nice(), NICENESS
    return process.nice(), int(group.read_text().split()[-1])


def test_a_bomb_gives_way() -> None:
    """While a bomb goes off its child has the niceness that was measured, in its session's share of processors too."""

    async def use(reader: DocumentReader) -> set[tuple[int, int]]:
        await reader.start()
        reading = asyncio.create_task(reader.read(nested_forms(), "payslip", PDF, 12.0))
        seen: set[tuple[int, int]] = set()
        wanted = zygote_of(reader).nice() + NICENESS, NICENESS
        while not reading.done() and wanted not in seen:
            seen |= {niceness(child) for child in zygote_of(reader).children()}
            await asyncio.sleep(0.02)
        reading.cancel()
        return seen & {wanted}

    assert with_reader(use)


def test_a_deadline_is_kept_and_its_child_killed() -> None:
    """A document that takes longer than its deadline is given up on in time, and its child does not live on."""
    slow = nested_forms()

    async def use(reader: DocumentReader) -> tuple[ReadResult, float, list[psutil.Process]]:
        await reader.start()
        started = time.monotonic()
        result = await reader.read(slow, "payslip", PDF, 0.3)
        took = time.monotonic() - started
        return result, took, await left_over(reader)

    result, took, left = with_reader(use)
    assert (result.status, result.reason) == ("deadline", "deadline")
    assert took < 10.0
    assert left == []


def test_waiting_behind_bombs_does_not_count() -> None:
    """A document behind slow ones is read late, and never late for their slowness; whoever cannot wait cancels."""
    slow = nested_forms()

    async def use(reader: DocumentReader) -> tuple[bool, ReadResult]:
        await reader.start()
        bombs = [asyncio.create_task(reader.read(slow, "payslip", PDF, 2.0)) for _ in range(2)]
        await asyncio.sleep(0.1)
        patient = asyncio.create_task(reader.read(CLEAN, "payslip", PDF, 12.0))
        try:
            await asyncio.wait_for(reader.read(CLEAN, "payslip", PDF, 12.0), 0.2)
        except TimeoutError:
            gave_up = True
        else:
            gave_up = False
        await asyncio.gather(*bombs)
        return gave_up, await patient

    gave_up, read = with_reader(use, parallel=2)
    assert gave_up
    assert read.status == "read"


def test_a_dead_zygote_is_replaced() -> None:
    """A zygote that is killed between documents, or under one, is replaced and the document read."""

    async def use(reader: DocumentReader) -> list[str]:
        await reader.start()
        zygote_of(reader).kill()
        statuses = [(await reader.read(CLEAN, "payslip", PDF, 12.0)).status]
        reading = asyncio.create_task(reader.read(nested_forms(), "payslip", PDF, 2.0))
        await asyncio.sleep(0.1)
        zygote_of(reader).kill()
        statuses.append((await reader.read(CLEAN, "payslip", PDF, 12.0)).status)
        await reading
        return statuses

    assert with_reader(use) == ["read", "read"]


def test_a_zygote_that_does_not_start_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no child can be confined nothing is read: the answer is `unavailable`, not a guess and not an exception."""
    monkeypatch.setattr(sandbox, "ZYGOTE", (sys.executable, "-I", "-c", "raise SystemExit(1)"))
    assert read(CLEAN) == ReadResult("unavailable", "reader_unavailable")


def test_a_start_slower_than_every_deadline_still_ends() -> None:
    """Documents that cannot wait for the reader to start do not keep it from starting for those after them."""

    async def use(reader: DocumentReader) -> list[str]:
        statuses = []
        while "read" not in statuses and len(statuses) < 2_000:
            statuses.append((await reader.read(CLEAN, "payslip", PDF, 0.02 + len(statuses) / 1_000)).status)
        return statuses

    statuses = with_reader(use)
    assert statuses[0] == "deadline"
    assert statuses[-1] == "read"


def test_a_frozen_zygote_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zygote that stands still is noticed after a while; documents until then end at their deadline."""
    monkeypatch.setattr(sandbox, "FROZEN_SECONDS", 0.3)

    async def use(reader: DocumentReader) -> list[str]:
        await reader.start()
        zygote_of(reader).send_signal(signal.SIGSTOP)
        statuses = [(await reader.read(CLEAN, "payslip", PDF, 0.5)).status]
        statuses.append((await reader.read(CLEAN, "payslip", PDF, 12.0)).status)
        return statuses

    assert with_reader(use) == ["deadline", "read"]


def test_a_cancelled_read_kills_its_child() -> None:
    """A worker that stops in the middle of a document leaves no child behind."""

    async def use(reader: DocumentReader) -> list[psutil.Process]:
        await reader.start()
        reading = asyncio.create_task(reader.read(nested_forms(), "payslip", PDF, 6.0))
        while not zygote_of(reader).children():  # noqa: ASYNC110 - a child of another process raises no event
            await asyncio.sleep(0.02)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        return await left_over(reader)

    assert with_reader(use) == []


def test_the_zygote_dies_with_its_worker(tmp_path: Path) -> None:
    """A worker that is killed takes the zygote and a child in the middle of a document with it."""
    document = tmp_path / "bomb.pdf"
    document.write_bytes(nested_forms())
    script = (
        "import asyncio, pathlib\n"
        "from processors.readers.sandbox.reader import DocumentReader\n"
        "async def run():\n"
        "    reader = DocumentReader()\n"
        "    await reader.start()\n"
        "    print(reader._zygote._process.pid, flush=True)\n"
        f"    await reader.read(pathlib.Path({str(document)!r}).read_bytes(), 'payslip', 'application/pdf', 60)\n"
        "asyncio.run(run())\n"
    )
    worker = psutil.Popen([sys.executable, "-c", script], stdout=-1)
    zygote = psutil.Process(int(worker.stdout.readline()))
    while not (children := zygote.children()):
        time.sleep(0.02)
    worker.kill()
    worker.wait()
    _, alive = psutil.wait_procs([zygote, *children], timeout=10)
    assert alive == []


def test_several_documents_are_read_at_once_without_mixing() -> None:
    """Fifty documents in flight come back each with its own figures, and leave no descriptor open."""

    async def use(reader: DocumentReader) -> tuple[list[str], int, int]:
        await reader.start()
        before = psutil.Process().num_fds()
        documents = [CLEAN.replace(b"60,000.00", b"%d,000.00" % (10 + index)) for index in range(50)]
        results = await asyncio.gather(*(reader.read(data, "payslip", PDF, 30.0) for data in documents))
        gross = [field.value for result in results for field in result.fields if field.name == "gross_monthly"]
        return gross, before, psutil.Process().num_fds()

    gross, before, after = with_reader(use, parallel=4)
    assert gross == [f"{10 + index}000.00" for index in range(50)]
    assert after <= before


def test_another_architecture_is_refused() -> None:
    """The filter is made for the machines its system call numbers are known for, and no other."""
    assert filter_program("x86_64") != filter_program("aarch64")
    with pytest.raises(ConfinementUnsupportedError, match="riscv64"):
        filter_program("riscv64")


def test_no_found_value_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Reading, failing and timing out log nothing of what a document says."""
    for data in (CLEAN, CLEAN[:200], nested_forms()):
        read(data, deadline_s=0.5)
    assert "Asha" not in caplog.text
    assert "60" not in caplog.text
