"""What became of decisions, as panels tell it, against the same figures counted here of the events themselves."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor

import pytest
from as_grafana import FROM, TO
from warehouses import Warehouse, migrated

from dashboards.panels import SQL
from loanstream.stack.clickhouse.link import Link

CHOSEN = {"tenant": ("bank-a", "bank-b"), "bundle": ("old", "new"), "policy": ("policy",), "application": ("",)}
FEW = {"tenant": ("bank-b",), "bundle": ("old", "new"), "policy": ("policy",), "application": ("",)}


@dataclass(frozen=True)
class Decided:
    """A record of a decision; the first of its revision is the decision."""

    tenant: str
    application: str
    revision: int
    offset: int
    outcome: str
    score: float | None
    bundle: str


@dataclass(frozen=True)
class Told:
    """A record of an outcome: a repayment's state or what a person decided."""

    tenant: str
    application: str
    revision: int
    offset: int
    kind: str
    said: str
    at: int


Revision = tuple[str, str, int]


def of(record: Decided | Told) -> Revision:
    return record.tenant, record.application, record.revision


def events() -> tuple[list[Decided], list[Told]]:
    """Six thousand applications of two banks: some have two revisions, and some are decided again, differently."""
    chance, offsets, decisions, told = random.Random(20), itertools.count(), [], []
    for number in range(6000):
        tenant, bundle = chance.choice(CHOSEN["tenant"]), chance.choice(("old", "new", "other"))
        for revision in range(1, chance.choice((2, 2, 2, 3))):
            score = None if chance.random() < 0.02 else chance.randrange(100) / 100
            first = Decided(
                tenant,
                f"a-{number}",
                revision,
                0,
                chance.choice(("approve", "approve", "refer", "decline")),
                score,
                bundle,
            )
            decisions.append(first)
            if chance.random() < 0.1:
                decisions.append(replace(first, outcome="approve", score=chance.random(), bundle="new"))
            bad = chance.random() < 0.6 - 0.5 * (score or 0)
            kinds = [("repayment", "current")] * chance.choice((0, 1, 2))
            kinds += [("repayment", "defaulted" if bad else "repaid")] * chance.choice((0, 1, 1, 2))
            kinds += [
                ("human_decision", chance.choice(("approve", "decline"))) for _ in range(chance.choice((0, 0, 1, 2)))
            ]
            told += [
                Told(*of(first), next(offsets), *each, chance.choice((FROM - 60, FROM + 60, TO - 60, TO - 60, TO - 60)))
                for each in kinds
            ]
    told += [Told("bank-a", "foreign", 1, next(offsets), "repayment", "defaulted", TO - 60)]
    return [replace(record, offset=offset) for offset, record in enumerate(decisions)], told


def firsts(decisions: list[Decided]) -> dict[Revision, Decided]:
    found: dict[Revision, Decided] = {}
    for record in decisions:
        found.setdefault(of(record), record)
    return found


def note(warehouse: Warehouse, records: list[Decided], known: dict[Revision, int]) -> None:
    """Note repeats before they are read, as the record stage does: of one that comes late the later one, too."""
    repeats = []
    for record in records:
        first = known.setdefault(of(record), record.offset)
        if first != record.offset:
            known[of(record)] = min(first, record.offset)
            repeats.append((record.tenant, max(first, record.offset)))
    rows = ", ".join(f"('{tenant}', 'loan.decisions.v1.{tenant}', 0, {offset})" for tenant, offset in repeats)
    warehouse.run(f"INSERT INTO loanstream.decision_repeats_log VALUES {rows}")


def record_decisions(warehouse: Warehouse, records: list[Decided]) -> None:
    rows = ", ".join(
        f"('{each.tenant}', '{each.application}', {each.revision}, 'd-{each.offset}', '{each.outcome}', "
        f"toDateTime({TO - 3600}), {'NULL' if each.score is None else each.score}, '{each.bundle}', 'policy', "
        f"'loan.decisions.v1.{each.tenant}', {each.offset})"
        for each in records
    )
    warehouse.run(
        "INSERT INTO loanstream.decisions_log (tenant, application_id, revision, decision_id, outcome, accepted_at, "
        f"score_final, receipt_bundle_id, receipt_policy_id, kafka_topic, kafka_offset) VALUES {rows}"
    )


def record_outcomes(warehouse: Warehouse, records: list[Told]) -> None:
    rows = ", ".join(
        f"('{each.tenant}', '{each.application}', {each.revision}, '{each.kind}', "
        + (f"'{each.said}', NULL" if each.kind == "repayment" else f"NULL, '{each.said}'")
        + f", 'loan.outcomes.v1.{each.tenant}', {each.offset}, toDateTime({each.at}))"
        for each in records
    )
    warehouse.run(
        "INSERT INTO loanstream.outcomes_log (tenant, application_id, revision, kind, repayment, decision, kafka_topic, "
        f"kafka_offset, kafka_timestamp) VALUES {rows}"
    )


@pytest.fixture(scope="module")
def history() -> tuple[list[Decided], list[Told]]:
    return events()


@pytest.fixture(scope="module")
def warehouse(history) -> Iterator[Warehouse]:
    """Both come in ten cuts and in no order, so that some outcomes come first; some outcomes are delivered again."""
    link, chance, known = Link(":memory:"), random.Random(21), {}
    made = migrated(link, "panels_of_repayment")
    decisions, told = ([*records] for records in history)
    chance.shuffle(decisions)
    chance.shuffle(told)
    for cut in range(10):
        some = decisions[cut::10]
        note(made, some, known)
        record_decisions(made, some)
        record_outcomes(made, told[cut::10])
        record_outcomes(made, told[cut::60])
    yield made
    link.run("DROP DATABASE IF EXISTS panels_of_repayment")
    link.close()


def answer(warehouse, name, chosen):
    return warehouse.rows((SQL / f"{name}.sql").read_text("utf-8").strip(), chosen)


def loans(history, chosen) -> list[tuple[float, bool]]:
    """Score and default of each approved loan: of the decision, and of the last outcome in the chosen time."""
    decisions, told = history
    first, last = firsts(decisions), {}
    for record in told:
        if record.kind == "repayment" and FROM <= record.at <= TO and of(record) in first:
            last[of(record)] = max(last.get(of(record), record), record, key=lambda each: each.offset)
    return [
        (made.score, last[revision].said == "defaulted")
        for revision, made in first.items()
        if revision in last and made.outcome == "approve" and made.score is not None
        if made.tenant in chosen["tenant"] and made.bundle in chosen["bundle"]
    ]


@pytest.mark.parametrize("chosen", [CHOSEN, FEW])
def test_rank_order_is_that_of_the_loans(warehouse, history, chosen):
    """KS and Gini are those of every approved loan's first decision and last state, pair by pair."""
    found = loans(history, chosen)
    bad = [score for score, defaulted in found if defaulted]
    good = [score for score, defaulted in found if not defaulted]
    assert min(len(bad), len(good)) >= 20
    below = [sum((b < g) + (b == g) / 2 for g in good) for b in bad]
    distances = [
        abs(sum(b <= at for b in bad) / len(bad) - sum(g <= at for g in good) / len(good)) for at in {*bad, *good}
    ]
    [row] = answer(warehouse, "rank_order", chosen)
    assert (row["defaulted"], row["others"], row["note"]) == (len(bad), len(good), "approved only")
    assert row["ks"] == pytest.approx(max(distances))
    assert row["gini"] == pytest.approx(2 * sum(below) / (len(bad) * len(good)) - 1)


@pytest.mark.parametrize("chosen", [CHOSEN, FEW])
def test_bad_rates_are_those_of_the_loans(warehouse, history, chosen):
    """Each twentieth of the score with twenty loans has the share of them that defaulted, and no other has one."""
    bands: dict[float, list[bool]] = {}
    for score, defaulted in loans(history, chosen):
        bands.setdefault(floor(score * 20) / 20, []).append(defaulted)
    wanted = {band: sum(states) / len(states) for band, states in bands.items() if len(states) >= 20}
    rows = answer(warehouse, "bad_rate_by_score", chosen)
    assert {float(row["score_from"]): row["bad_rate"] for row in rows} == pytest.approx(wanted)
    assert wanted


def test_agreement_is_that_of_the_first_reviews(warehouse, history):
    """The first thing that a person said of a revision stands against what the machine said first."""
    decisions, told = history
    first, reviewed = firsts(decisions), {}
    for record in told:
        if record.kind == "human_decision" and of(record) in first:
            reviewed.setdefault(of(record), record)
    wanted = Counter(
        (first[revision].outcome, record.said)
        for revision, record in reviewed.items()
        if FROM <= record.at <= TO and record.tenant in CHOSEN["tenant"]
    )
    rows = answer(warehouse, "human_agreement", CHOSEN)
    assert {(row["machine"], row["human"]): int(row["reviews"]) for row in rows} == wanted
    assert len(wanted) == 6


def test_of_no_loan_there_is_no_row(warehouse):
    """Where nothing was repaid yet, each panel shows the note of an empty one, and no row of zeros."""
    nobody = CHOSEN | {"tenant": ("bank-z",)}
    for name in ("rank_order", "bad_rate_by_score", "human_agreement"):
        assert answer(warehouse, name, nobody) == []
