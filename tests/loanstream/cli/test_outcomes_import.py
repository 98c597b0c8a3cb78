"""What `loanstream outcomes import` sends, says and ends with, without a broker and without a warehouse."""

import json
from types import SimpleNamespace

import pytest

from loanstream.cli import outcomes
from producers.errors import Failure, NotDeliveredError
from producers.forms import OUTCOMES
from schemas.problem import Problem

HEADER = "application_id,at,repayment,days_past_due\n"
GOOD = "a-1,2026-03-31T10:00:00Z,performing,0\n"
OTHER = "a-2,2026-03-31T10:00:00Z,late,40\n"


class Kafka:
    """The producer of one bank; with `fault` the broker is gone after the first record."""

    def __init__(self, fault=None):
        self.fault, self.sent, self.confirmed = fault, [], 0

    def __call__(self, settings, tenant, topic):
        self.opened = (settings, tenant, topic)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit_raw(self, key, value):
        if self.sent and self.fault is not None:
            raise self.fault
        self.sent.append((key, json.loads(value)))
        self.confirmed += 1

    def flush(self):
        pass


@pytest.fixture
def kafka(monkeypatch):
    """A broker that answers, and a warehouse that approved `a-1` alone."""
    found = Kafka()
    decided = [("a-1", 1, "approve"), ("a-3", 1, "decline")]

    def query(question, parameters):
        rows = [row for row in decided if row[0] in parameters["ids"]] if "decisions_log" in question else []
        return SimpleNamespace(result_rows=rows)

    here = SimpleNamespace(
        tenant=lambda asked: asked or "bank-a",
        producer_settings=lambda tenant: {"bootstrap.servers": f"of {tenant}"},
        warehouse=lambda: SimpleNamespace(query=query, close=lambda: None),
    )
    monkeypatch.setattr(outcomes, "installation_of", lambda _: here)
    monkeypatch.setattr(outcomes, "need_kafka", lambda *_: None)
    monkeypatch.setattr(outcomes, "producer_of", lambda *_: None)
    monkeypatch.setattr(outcomes, "not_served", lambda *_: None)
    monkeypatch.setattr(outcomes, "warehouse_fault", lambda _: None)
    monkeypatch.setattr(outcomes, "TenantProducer", found)
    return found


@pytest.fixture
def file(tmp_path):
    def made(text, name="outcomes.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return made


def test_every_good_row_is_sent_by_the_bank_s_own_producer(kafka, file, loanstream):
    """On its topic of outcomes, and the broker's word is waited for."""
    said = loanstream("outcomes", "import", file(HEADER + GOOD + GOOD.replace("a-1", "a-9")), "--tenant", "bank-b")
    assert kafka.opened == ({"bootstrap.servers": "of bank-b"}, "bank-b", "outcomes")
    assert [(key, value["tenant"], value["kind"]) for key, value in kafka.sent] == [
        (b"a-1", "bank-b", "repayment"),
        (b"a-9", "bank-b", "repayment"),
    ]
    assert said.stdout == "2 outcomes confirmed by the broker for bank-b\n"


def test_a_refused_row_is_counted_and_told_and_the_others_are_sent(kafka, file, loanstream):
    """Exit 1, for somebody has to look at it."""
    path = file(HEADER + GOOD + "a-2,yesterday,gone,-1\n" + OTHER)
    said = loanstream("outcomes", "import", path, "--json", code=1)
    counts = json.loads(said.stdout)
    assert (counts["outcomes"], counts["submitted"], counts["refused_lines"]) == (2, 2, 1)
    assert sum(line.startswith("line 3, ") for line in said.stderr.splitlines()) == 3
    assert len(kafka.sent) == 2


def test_loans_that_nobody_approved_are_told_and_sent_all_the_same(kafka, file, loanstream):
    """The decision may be elsewhere; a mistyped id looks the same, so both are named."""
    path = file(HEADER + GOOD + OTHER + OTHER.replace("a-2", "a-3"))
    said = loanstream("outcomes", "import", path, "--json")
    assert json.loads(said.stdout)["loans"] == {"approved": 1, "not_approved": 1, "unknown": 1}
    assert "note: 1 outcome of applications that were not approved, " in said.stderr
    assert ": a-3\n" in said.stderr
    assert "note: 1 outcome of applications and revisions on which no decision is known here: a-2\n" in said.stderr
    assert len(kafka.sent) == 3


def test_without_a_warehouse_everything_is_sent_and_it_is_said_what_was_not_looked_up(
    kafka, file, loanstream, monkeypatch
):
    """No figure stands where nothing is known."""
    monkeypatch.setattr(outcomes, "warehouse_fault", lambda _: "http://w:1 does not answer")
    said = loanstream("outcomes", "import", file(HEADER + GOOD), "--json")
    counts = json.loads(said.stdout)
    assert (counts["submitted"], counts["loans"]) == (1, None)
    assert "was not looked up: http://w:1 does not answer" in said.stderr


def test_a_dry_run_needs_no_broker_and_sends_nothing(kafka, file, loanstream, monkeypatch):
    """It says what it would say."""
    monkeypatch.setattr(outcomes, "need_kafka", lambda *_: pytest.fail("it was asked"))
    said = loanstream("outcomes", "import", file(HEADER + GOOD + "a-2,,,\n"), "--dry-run", code=1)
    assert said.stdout == "1 outcome read for bank-a, nothing was sent; 1 line refused\n"
    assert kafka.sent == []
    assert not hasattr(kafka, "opened")


def test_rows_that_repeat_are_told(kafka, file, loanstream):
    """The same again is harmless; two that say different things of one moment are looked at by somebody."""
    path = file(HEADER + GOOD + GOOD + OTHER + OTHER.replace("late,40", "defaulted,40"))
    said = loanstream("outcomes", "import", path, "--json")
    counts = json.loads(said.stdout)
    assert (counts["repeated_ids"], counts["conflicting_ids"], counts["submitted"]) == (["a-1"], ["a-2"], 4)
    assert "the same outcome stands there more than once, and counts once: a-1\n" in said.stderr
    assert "of one moment there are different outcomes of: a-2;" in said.stderr


def test_the_months_of_one_loan_are_no_repeats(kafka, file, loanstream):
    """A loan has an outcome for each moment that is told of."""
    path = file(HEADER + GOOD + GOOD.replace("2026-03-31T10:00:00Z,performing", "2026-04-30T10:00:00Z,late"))
    counts = json.loads(loanstream("outcomes", "import", path, "--json").stdout)
    assert (counts["repeated_ids"], counts["conflicting_ids"]) == ([], [])


def test_a_broker_that_goes_away_in_the_middle_leaves_no_doubt(kafka, file, loanstream):
    """How many are there is said, and that the whole file may be sent again."""
    kafka.fault = NotDeliveredError([Failure("a-2", "timed out")])
    said = loanstream("outcomes", "import", file(HEADER + GOOD + OTHER), code=1)
    told = said.stderr.splitlines()
    assert told[0].startswith("note: 1 outcome of the file confirmed by the broker, the others not: send the whole")
    assert told[-1] == "loanstream: 1 not confirmed: a-2: timed out"
    assert said.stdout == ""


def test_a_file_that_is_refused_is_no_refused_line(kafka, file, loanstream, monkeypatch):
    """Whoever counts what to send again counts lines; of a refused file none was read, and no loan looked up."""
    monkeypatch.setattr(outcomes, "warehouse_fault", lambda _: "http://w:1 does not answer")
    said = loanstream("outcomes", "import", file("application_id,at\na-1,2026-03-31T10:00:00Z\n"), "--json", code=1)
    counts = json.loads(said.stdout)
    assert (counts["refused_lines"], counts["file_refused"], counts["submitted"]) == (0, True, 0)
    assert "note:" not in said.stderr


def test_the_columns_are_printed_without_a_file(loanstream):
    """Each, whether it must be there, and what stands in it."""
    rows = {row["column"]: row for row in json.loads(loanstream("outcomes", "import", "--columns", "--json").stdout)}
    assert rows.keys() == OUTCOMES.columns.keys()
    assert rows["repayment"]["expected"] == "'performing', 'late', 'defaulted' or 'repaid'"


@pytest.mark.parametrize(
    ("options_given", "said"),
    [([], "expected a file of outcomes"), (["x.csv", "--id-prefix", "Q1/"], "--id-prefix 'Q1/'")],
)
def test_a_faulty_command_line_is_told_as_one(loanstream, options_given, said):
    """Exit 2, before anything is looked at."""
    assert said in loanstream("outcomes", "import", *options_given, code=2).stderr


def test_a_bank_that_is_not_served_is_named(kafka, file, loanstream, monkeypatch):
    """Nothing is read or sent for it."""

    def unknown(asked):
        raise Problem(f"no tenant {asked} here")

    monkeypatch.setattr(outcomes, "installation_of", lambda _: SimpleNamespace(tenant=unknown))
    said = loanstream("outcomes", "import", file(HEADER + GOOD), "--tenant", "bank-x", code=1)
    assert said.stderr == "loanstream: no tenant bank-x here\n"
