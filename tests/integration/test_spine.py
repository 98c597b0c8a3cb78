"""From an application on a real Kafka to an explained decision in the real warehouse."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pikepdf
import pytest

from loanstream.doctor.running_stack import ROWS, check_stack
from loanstream.stack.running import RunningStack
from loanstream.stack.table import worker_names
from producers.documents import reference_of
from schemas.decision import LoanDecision
from schemas.decode import decode
from schemas.topics import APPLICATION_MAX_BYTES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "schemas" / "examples"
CANARY = "CANARY7f3a91"


def example(name="loan.application.submitted", **fields):
    return json.loads((EXAMPLES / f"{name}.json").read_text()) | fields


def test_any_kafka_client_may_publish_the_examples_and_read_decisions(bank):
    """Both shipped examples are decided; the one with documents is checked against them."""
    for name in ("loan.application.submitted", "loan.application.submitted.with-documents"):
        event = example(name)
        bank.publish("bank-a", event["application_id"], (EXAMPLES / f"{name}.json").read_bytes())
    bank.flush()
    decisions, letters = bank.outcomes("bank-a", 2)
    assert letters == []
    results = {decision["application_id"]: decision["verification_result"] for decision in decisions}
    assert results == {
        example()["application_id"]: "not_provided",
        example("loan.application.submitted.with-documents")["application_id"]: "verified",
    }
    for decision in decisions:
        made = decode(LoanDecision, json.dumps(decision).encode())
        points = [reason.points for reason in made.reasons if reason.points is not None]
        assert sum(points) == pytest.approx(made.final_points - made.base_points, abs=1e-6)


SNIPPETS = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("snippet", "prints"),
    zip(SNIPPETS, (r"example-0001 (approve|refer|decline) \S", "200 decided (approve|refer|decline)"), strict=True),
    ids=["over Kafka", "over HTTPS"],
)
def test_the_readme_s_first_application_is_decided(stack, snippet, prints):
    """What an integrator copies from the README runs as it stands and prints the example's decision."""
    done = subprocess.run(
        [sys.executable, "-c", snippet],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=os.environ | {"LOANSTREAM_STATE": str(stack.layout.state)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.match(prints, done.stdout), done.stdout


def test_every_kind_of_bad_record_is_a_dead_letter_and_nothing_stops(bank):
    """A good application between the bad ones is decided, sizes up to the limit are taken, no value reaches a log."""
    tenant = "broken-in"

    def application(name, **fields):
        return example(tenant=tenant, application_id=name, **fields)

    def padded(name, size):
        event = application(name, extensions={})
        keys = 0
        while (room := size - len(json.dumps(event).encode())) > 40 and keys < 32:
            event["extensions"][f"k{keys}"] = "x" * min(1000, room - 12)
            keys += 1
        return (json.dumps(event) + " " * (size - len(json.dumps(event)))).encode()

    good = {"good-1": json.dumps(application("good-1")).encode()}
    for size in (999_999, 1_000_100, 1_048_000):
        good[f"size-{size}"] = padded(f"size-{size}", size)
    whole = json.dumps(application("bad")).encode()
    bad = {
        "not_json": [b"loan;" + CANARY.encode(), whole[:-2], whole.replace(b"bank", b"\xff")],
        "empty": [b""],
        "not_a_number": [json.dumps(application("bad", annual_income=float("nan"))).encode()],
        "duplicate_key": [b'{"currency":"INR",' + whole[1:]],
        "too_deep": [b"[" * 100_000],
        "too_large": [padded("bad", APPLICATION_MAX_BYTES + 1)],
        "tenant_mismatch": [json.dumps(application("bad") | {"tenant": "bank-a"}).encode()],
        "key_mismatch": [json.dumps(application("other")).encode()],
        "invalid_event": [
            json.dumps(application("bad", annual_income=-5)).encode(),
            json.dumps(application("bad", annual_income=CANARY)).encode(),
            json.dumps(application("bad", cibil_score="700")).encode(),
            json.dumps(application("bad", **{CANARY: 1})).encode(),
            json.dumps(application("bad") | {"applicant": {"name": CANARY + "x" * 1_000_000}}).encode(),
        ],
    }
    for key, value in good.items():
        bank.publish(tenant, key, value)
    for values in bad.values():
        for value in values:
            bank.publish(tenant, "bad", value)
    bank.publish(tenant, "last", json.dumps(application("last")).encode())
    bank.flush()
    count = sum(map(len, bad.values()))
    decisions, letters = bank.outcomes(tenant, count + len(good) + 1)
    assert {decision["application_id"] for decision in decisions} == {*good, "last"}
    causes = [letter["cause"] for letter in letters]
    assert {cause: causes.count(cause) for cause in bad} == {cause: len(values) for cause, values in bad.items()}
    assert len(letters) == count
    logs = "".join(path.read_text(errors="replace") for path in bank.running.layout.logs.iterdir())
    assert CANARY not in logs
    assert CANARY not in json.dumps([letter["errors"] for letter in letters])


def pdf(tmp_path, **save):
    path = tmp_path / "made.pdf"
    with pikepdf.new() as made:
        made.add_blank_page()
        made.save(path, **save)
    return path.read_bytes()


APPROVED = {
    name: value
    for name, value in json.loads((EXAMPLES / "loan.application.submitted.with-documents.json").read_text()).items()
    if name in {"annual_income", "monthly_obligations", "cibil_score", "assets", "loan", "applicant"}
}
"""What a score approves, so that the documents alone keep it from approval."""


def test_documents_that_cannot_be_read_refer_with_their_reason(bank, stack, tmp_path):
    """Missing, another tenant's, empty, encrypted, cut off, without text, unknown, of another size: none approves, none stops anything."""
    tenant = "papers"
    own = stack.documents
    whole = next((EXAMPLES / "documents").iterdir()).read_bytes()
    encrypted = pdf(tmp_path, encryption=pikepdf.Encryption(owner="a", user="b"))
    documents = {
        "missing": (b"never uploaded", "document_missing"),
        "others": (whole + b"\n% another tenant's", "document_missing"),
        "empty": (b"", "empty"),
        "encrypted": (encrypted, "encrypted"),
        "truncated": (whole[: len(whole) // 3], "damaged"),
        "blank": (pdf(tmp_path), "no_text_layer"),
        "noise": (b"MZ" + b"\x00" * 500, "damaged"),
        "sized": (whole, "size_differs"),
    }
    for name, (data, reason) in documents.items():
        if name != "missing":
            own.put("beside" if name == "others" else tenant, data)
        ref = reference_of("payslip", data).model_dump() | ({"size": 1} if reason == "size_differs" else {})
        event = example(tenant=tenant, application_id=name, documents=[ref], **APPROVED)
        bank.publish(tenant, name, json.dumps(event).encode())
    bank.flush()
    decisions, letters = bank.outcomes(tenant, len(documents))
    assert letters == []
    for decision in decisions:
        _, reason = documents[decision["application_id"]]
        assert decision["outcome"] == "refer", decision
        assert decision["verification_result"] == "unreadable", decision
        assert reason in {row["code"] for row in decision["reasons"]}, (reason, decision["reasons"])


def test_a_repeated_submission_gives_the_same_decision_id_and_bytes(bank):
    """A bank that sends an application twice gets one decision, twice."""
    tenant = "twice"
    event = json.dumps(example(tenant=tenant, application_id="twice")).encode()
    for _ in range(2):
        bank.publish(tenant, "twice", event)
        bank.flush()
        time.sleep(0.5)
    decisions, _ = bank.outcomes(tenant, 2)
    first, second = (
        {name: value for name, value in decision.items() if name not in ("accepted_at", "processing")}
        for decision in decisions
    )
    assert first == second


def test_submit_decisions_show_replay_and_reconcile_speak_json(cli, bank, loans_csv, tmp_path):
    """The public data go through Kafka as they are, every decision is replayed and nothing differs."""
    sample = tmp_path / "loans.csv"
    sample.write_text("".join(loans_csv.read_text().splitlines(keepends=True)[:301]))
    sent = json.loads(cli("submit", str(sample), "--tenant", "cli", "--id-prefix", "q-", "--json").stdout)
    assert sent["submitted"] == 300
    bank.wait_for("cli", 300)
    assert json.loads(cli("reconcile", "--tenant", "cli", "--json").stdout)["differences"] == []
    compare = ("decisions", "--tenant", "cli", "--compare", str(sample), "--json")
    assert json.loads(cli(*compare, "--id-prefix", "q-").stdout)["undecided"] == 0
    assert json.loads(cli(*compare).stdout)["undecided"] == 300
    story = json.loads(cli("show", "q-1", "--tenant", "cli", "--json").stdout)
    assert "receipt" in json.dumps(story)
    assert "Timings (ms)" in cli("show", "q-1", "--tenant", "cli").stdout
    replayed = json.loads(cli("replay", "--tenant", "cli", "--json").stdout)
    assert replayed["totals"] == {"equal": 300}
    assert cli("replay", "q-nosuch", code=1).stderr == "loanstream: no decision on q-nosuch\n"


def test_a_second_up_on_the_same_state_says_who_holds_it(stack):
    """One line, naming the process; as a person reads it, from a process of its own."""
    command = [sys.executable, "-m", "loanstream", "up", "--state", stack.layout.state]
    refused = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert refused.returncode == 1
    assert "already running" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_every_worker_tells_its_health_and_its_figures(stack):
    """/readyz, /healthz and /metrics answer for each worker."""
    import urllib.request

    ports = json.loads(stack.layout.ports.read_text())
    for name, port in ports.items():
        if name not in worker_names(1):
            continue
        for path, wanted in (("/readyz", b"partitions"), ("/healthz", b"healthy"), ("/metrics", b"loanstream_")):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                assert wanted in answer.read(), (name, path)


def test_the_doctor_finds_every_part_of_the_stack_well(stack):
    """Of a running stack the doctor tries processes, topics, accounts, documents and keys, and all are well."""
    now = RunningStack.at(stack.layout.state)  # other tests have killed processes since the stack was made
    checks = {check.name: check for check in check_stack(now)}
    assert set(ROWS) < set(checks)
    assert [check for check in checks.values() if not check.ok] == []
