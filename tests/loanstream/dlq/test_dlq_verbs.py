"""`loanstream dlq` on topics in memory: what an operator reads, and what a program reads."""

import json
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from loanstream.cli import dlq as verbs
from schemas.application import LoanApplication
from schemas.causes import CAUSES
from schemas.decode import Undecodable, decode

PAGE = Path(__file__).resolve().parents[3] / "docs" / "dead-letters.md"
PYTHON = re.compile(r"\b(None|True|False|tuple|Decimal|datetime|FieldError|Origin|Header)\b")
LONG = "a-bank-with-the-longest-name-31"


@pytest.fixture
def dlq(flow, monkeypatch, loanstream):
    """The command line over the flow's box."""

    @contextmanager
    def box(_, record_again=None):
        yield flow.box(record_again)

    monkeypatch.setattr(verbs, "_box", box)
    installation = SimpleNamespace(narrowed=lambda tenant: tenant, warehouse_writer=pytest.fail)
    monkeypatch.setattr(verbs, "installation_of", lambda _: installation)
    return lambda *arguments, code=0: loanstream("dlq", *arguments, code=code)


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused_application(flow, tenant="bank-a", **changes):
    value = flow.application(tenant=tenant, **changes)
    with pytest.raises(Undecodable) as refused:
        decode(LoanApplication, value)
    record = flow.put(f"loan.applications.v1.{tenant}", b"a-1", value)
    return flow.refuse(record, refused.value.cause, refused.value.errors)


def test_the_newest_are_listed_in_the_order_of_time(flow, dlq):
    """The partitions are read one after the other, so the last ones read are not the newest."""
    listed = [flow.letter(tenant="bank-b"), flow.letter(tenant="bank-a"), flow.letter(tenant="bank-b")]
    assert [row["id"] for row in lines(dlq("list", "--json"))] == listed
    assert [row["id"] for row in lines(dlq("list", "--json", "--limit", 2))] == listed[1:]
    text = dlq("list", "--limit", 2).stdout
    assert listed[0] not in text
    assert text.startswith("the newest 2 of 3 dead letters")
    assert "bank-b  not_json  2 waiting" in text


def test_a_list_fits_a_hundred_columns_and_cuts_no_id(flow, dlq):
    """Whatever is long wraps: the id stands whole, alone on its line, and every error is told."""
    lying = refused_application(flow, LONG, annual_income="-5", cibil_score="700", nonsense=1, loan_term_years=None)
    flow.box().discard(actor="j.doe", reason="the bank sends this application again, " * 10)
    done = dlq("list")
    shown = done.stdout.splitlines()
    assert lying in shown
    assert max(map(len, shown)) <= 100
    (row,) = lines(dlq("list", "--json"))
    assert len(row["errors"]) > 2
    for error in row["errors"]:
        assert any(line.strip().startswith(f"{error['field']}  {error['error']}") for line in shown)
        assert error["expected"].split()[0] in done.stdout


def test_the_application_is_told_where_the_original_tells_it(flow, dlq):
    """By its key, else by its value however broken; never guessed."""
    flow.letter(key=b"by-key", value=b"{")
    flow.letter(key=None, value=b'{"application_id" : "by-value", "annual_income": NaN')
    flow.letter(key=b"not an id", value=b"\xff\x00")
    told = [row["application_id"] for row in lines(dlq("list", "--json"))]
    assert told == ["by-key", "by-value", None]
    shared = flow.put("loan.metrics.v1", b"verify-0", b"{")
    flow.refuse(shared, stage="record")
    assert lines(dlq("list", "--json"))[-1]["application_id"] is None
    assert len(lines(dlq("list", "--json", "--application", "by-value"))) == 1
    assert "application not told" in dlq("list").stdout


def test_only_what_is_asked_for_is_listed(flow, dlq):
    """Bank, cause, time, application, and whether anything was done yet."""
    flow.letter("empty", value=b"")
    flow.letter("not_json", tenant="bank-b")
    discarded = flow.letter("not_json")
    dlq("discard", "--id", discarded, "--reason", "a test", "--yes")
    for arguments, count in (
        (("--tenant", "bank-a"), 2),
        (("--cause", "not_json"), 2),
        (("--waiting",), 2),
        (("--waiting", "--cause", "not_json"), 1),
        (("--since", "1970-01-02"), 3),
        (("--since", "2099-01-01T00:00Z"), 0),
        (("--application", "a-1", "--cause", "empty"), 1),
    ):
        assert len(lines(dlq("list", "--json", *arguments))) == count, arguments
    assert dlq("list", "--cause", "not_jsn", code=2).stderr.endswith("did you mean not_json?\n")
    assert "expected a duration (90s, 15m, 2h, 7d)" in dlq("list", "--since", "yesterday", code=2).stderr


def test_the_summary_counts_by_bank_and_cause(flow, dlq):
    """How many stand how, with what the cause means; as lines of JSON for a program."""
    for _ in range(2):
        flow.letter("not_json", tenant="bank-b")
    dlq("discard", "--id", flow.letter("not_json", tenant="bank-b"), "--reason", "a test", "--yes")
    flow.letter("empty", value=b"")
    assert lines(dlq("list", "--summary", "--json")) == [
        {"tenant": "bank-a", "cause": "empty", "waiting": 1, "redriven": 0, "recorded": 0, "discarded": 0},
        {"tenant": "bank-b", "cause": "not_json", "waiting": 2, "redriven": 0, "recorded": 0, "discarded": 1},
    ]
    text = dlq("list", "--summary").stdout
    assert "bank-b  not_json  2 waiting, 1 discarded  the value is not JSON in UTF-8" in text
    assert ".dlq/" not in text
    assert dlq("list", "--tenant", "bank-c").stdout == "no dead letters\n"


def test_a_letter_that_came_back_is_listed_once(flow, dlq):
    """The newest stands for both, with its tries; the first is in its history."""
    first = refused_application(flow, annual_income="-5")
    dlq("redrive", "--force")
    (second,) = flow.verify()
    (row,) = lines(dlq("list", "--json"))
    assert (row["id"], row["attempts"], row["first_origin"]) == (second, 2, "loan.applications.v1.bank-a/0/0")
    assert "tried 2 times" in dlq("list").stdout
    history = json.loads(dlq("show", second, "--json").stdout)["history"]
    assert [(event["letter"], event["action"]) for event in history] == [
        (first, "refused"),
        (first, "redriven"),
        (second, "refused"),
    ]


def test_a_letter_that_came_back_for_another_cause_is_listed_by_that(flow, dlq):
    """Whatever is asked: the former letter is history."""
    record = flow.put("loan.applications.v1.bank-a", b"a-1", flow.application(annual_income="-5"))
    first = flow.refuse(record, "not_json")
    dlq("redrive", "--force")
    (second,) = flow.verify()
    assert lines(dlq("list", "--json", "--cause", "not_json")) == []
    assert [row["id"] for row in lines(dlq("list", "--json", "--cause", "invalid_event"))] == [second]
    dlq("redrive", "--id", first, "--force")
    assert len(flow.verify()) == 2
    waiting = [row for row in lines(dlq("list", "--json")) if row["state"] == "waiting"]
    # One of the records was refused twice, in the same words: that is one letter.
    assert len(waiting) == 2


def test_a_redrive_says_what_it_would_do_and_does_that(flow, dlq):
    """By bank and cause, with why some are kept; exit code 1 as long as some are."""
    good = flow.letter("invalid_event", value=flow.application(application_id="a-1"))
    for _ in range(2):
        refused_application(flow, annual_income="-5")
    flow.letter("too_large", value_base64=None)
    told = dlq("redrive", "--dry-run", code=1).stdout
    assert "1 would be sent back\n    bank-a, invalid_event: 1 letter" in told
    assert "2 kept, as each would be refused again (--force sends them)" in told
    assert "bank-a, invalid_event, now invalid_event annual_income: above 0 and at most" in told
    assert "1 kept, as they hold no original: have them sent again" in told
    assert flow.post.sent == []
    done = json.loads(dlq("redrive", "--json", "--actor", "j.doe", code=1).stdout)
    assert (done["dry_run"], done["redriven"], done["refused"], done["no_original"]) == (False, 1, 2, 1)
    assert [note.actor for note in flow.handled] == ["j.doe"]
    assert json.loads(dlq("redrive", "--id", good, "--json").stdout)["redriven"] == 0
    assert dlq("redrive", "--tenant", "bank-c").stdout == "no dead letters wait that are meant\n"


def test_a_discard_asks_and_says_of_what(flow, dlq, monkeypatch):
    """Nobody to ask, or a no: nothing is discarded."""
    lying = flow.letter()
    refused = dlq("discard", "--tenant", "bank-a", "--reason", "a test", code=1)
    assert "1 would be discarded\n    bank-a, not_json: 1 letter" in refused.stderr
    assert refused.stderr.endswith("nobody is there to say yes: run it with --yes\n")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))

    def no(*_, **__):
        raise typer.Abort

    monkeypatch.setattr(verbs, "confirm", no)
    dlq("discard", "--tenant", "bank-a", "--reason", "a test", code=1)
    assert flow.states() == {lying: "waiting"}
    monkeypatch.setattr(verbs, "confirm", lambda *_, **__: None)
    done = json.loads(dlq("discard", "--tenant", "bank-a", "--reason", "a test", "--json").stdout)
    assert done["discarded"] == 1
    assert "2026-11-29T12:00:00.000Z  discarded by " in dlq("list").stdout


def test_what_came_after_the_question_is_not_discarded(flow, dlq, monkeypatch):
    """The person agreed to the letters that he was told of."""
    first = flow.letter()
    later = []
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(verbs, "confirm", lambda *_, **__: later.append(flow.letter()))
    dlq("discard", "--cause", "not_json", "--reason", "a test")
    assert flow.states() == {first: "discarded", later[0]: "waiting"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--reason", "a test", "--yes"), 2, "nothing says which letters"),
        (("--reason", " ", "--cause", "empty", "--yes"), 2, "--reason: expected one line of 1 to 500 characters"),
        (("--reason", "a\nb", "--cause", "empty", "--yes"), 2, "--reason: expected one line"),
        (
            ("--reason", "a", "--cause", "empty", "--actor", "x" * 201, "--yes"),
            2,
            "--actor: expected one line of 1 to 200",
        ),
        (("--reason", "a", "--cause", "empty", "--id", "t/0/0"), 2, "--id names the letters exactly"),
        (("--reason", "a", "--id", "17"), 2, "expected topic/partition/offset"),
    ],
)
def test_a_discard_of_nothing_in_particular_is_refused(flow, dlq, arguments, code, said):
    """One line says what is expected, and nothing is discarded."""
    flow.letter("empty", value=b"")
    refused = dlq("discard", *arguments, code=code)
    assert said in refused.stderr
    assert flow.post.sent == []


def test_a_letter_is_shown_whole(flow, dlq):
    """Key, value, headers and errors as text, each in its line; what a redrive would do; what was done by whom."""
    value = flow.application(annual_income="-5")
    record = flow.put("loan.applications.v1.bank-a", b"a-1", value, [("trace", b"t-1"), ("blob", b"\xff\x00")])
    with pytest.raises(Undecodable) as wrong:
        decode(LoanApplication, value)
    lying = flow.refuse(record, wrong.value.cause, wrong.value.errors)
    dlq("discard", "--id", lying, "--reason", "withdrawn by the applicant", "--actor", "j.doe", "--yes")
    text = dlq("show", lying).stdout
    for said in (
        f"dead letter   {lying}",
        "application   a-1",
        "    annual_income  out_of_bounds: above 0",
        "  trace: t-1",
        "  blob: 2 bytes",
        "Key: a-1",
        'Value: {"tenant": "bank-a"',
        "redrive       discarded before",
        "discarded by j.doe: withdrawn by the applicant",
    ):
        assert said in text, said
    shown = json.loads(dlq("show", lying, "--json").stdout)
    assert (shown["key"], shown["value"]) == ("a-1", value.decode())
    assert shown["redrive"] == {"would": "was_discarded", "why": None}
    assert shown["history"][-1]["reason"] == "withdrawn by the applicant"
    assert dlq("show", "loan.applications.v1.bank-a/0/0", "--json").stdout == dlq("show", lying, "--json").stdout


def test_what_cannot_be_shown_as_text_is_not(flow, dlq):
    """Bytes are bytes, and no record writes elsewhere on the operator's screen."""
    dark = dlq("show", flow.letter(key=b"\x1b[2J", value=b"\xff\xfe" * 2000)).stdout
    assert "Value: 4000 bytes, not text: fffe" in dark
    assert "Key: \\x1b[2J" in dark
    assert "\x1b" not in dark
    assert json.loads(dlq("show", flow.letter(value=b"\xff"), "--json").stdout)["value"] is None
    assert "Value: not held" in dlq("show", flow.letter(value_base64=None)).stdout
    cut = dlq("show", flow.letter(value=b"x" * 1999 + "é".encode() + b"y" * 9)).stdout
    assert "xxx ... (2010 bytes; --json has all)" in cut


@pytest.mark.parametrize("arguments", [("list",), ("list", "--summary"), ("show",), ("redrive",)])
def test_no_answer_speaks_python(flow, dlq, arguments):
    """null, true and numbers, in JSON as on the screen: nothing that only a programmer of ours can read."""
    lying = refused_application(flow, annual_income="-5")
    flow.letter("too_large", value_base64=None, key_base64=None)
    flow.letter("invalid_event", value=flow.application(application_id="a-1"))
    flow.box().discard(only=[letter.id for letter in flow.box().letters()][1:2], actor="j.doe", reason="a test")
    wanted = (*arguments, lying) if arguments == ("show",) else arguments
    for more in ((), ("--json",)):
        answer = dlq(*wanted, *more, code=1 if arguments == ("redrive",) else 0).stdout
        assert PYTHON.findall(answer) == []
        for line in answer.splitlines() if more else ():
            assert isinstance(json.loads(line), dict)


def test_the_page_says_of_every_cause_what_to_do():
    """An operator finds each cause that `dlq list` may show, and none that there is not."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [cause for cause, _ in rows] == list(CAUSES)
    assert all(len(said) > 20 for _, said in rows)
