"""One id for several applications: which claims a decision is shown with, and where the repetition is marked."""

import json
import time

import pytest

from schemas.records import Place

TENANT = "repeats"
HEADER = (
    "loan_id,no_of_dependents,education,self_employed,income_annum,loan_amount,loan_term,cibil_score,"
    "residential_assets_value,commercial_assets_value,luxury_assets_value,bank_asset_value"
)
GOOD = "Graduate,No,7200000,15000000,10,801,6100000,1200000,9800000,4300000"
POOR = "Not Graduate,Yes,3100000,11900000,6,402,900000,0,2100000,400000"


@pytest.fixture(scope="module")
def ids():
    """Ids of this module; one of each pair of lines is decided."""
    return {"conflict": "c-1", "repeat": "r-1", "person": "p-1"}


@pytest.fixture(scope="module", autouse=True)
def _sent(stack, ids, tmp_path_factory):
    """A file in which one id stands for two applications and one for the same twice; a person overrules a third."""
    from confluent_kafka import Producer

    from loanstream.cli.submit import submit_file

    file = tmp_path_factory.mktemp("repeats") / "same.csv"
    lines = [
        ("c-1", f"1,{GOOD}"),
        ("c-1", f"0,{POOR}"),
        ("r-1", f"3,{GOOD}"),
        ("r-1", f"3,{GOOD}"),
        ("p-1", f"2,{POOR}"),
    ]
    file.write_text("\n".join([HEADER, *(f"{name},{rest}" for name, rest in lines)]) + "\n")
    submit_file(stack, file, TENANT, "INR", None, "", as_json=True)
    said = {"tenant": TENANT, "application_id": ids["person"], "kind": "human_decision", "decision": "approve"}
    said |= {"actor": "asha", "reason": "The guarantor signed.", "at": "2026-03-01T10:00:00.000Z"}
    producer = Producer({**stack.admin_settings, "log_level": 2})
    producer.produce(f"loan.outcomes.v1.{TENANT}", key=ids["person"], value=json.dumps(said).encode())
    assert producer.flush(30) == 0


@pytest.fixture
def told(cli, bank):
    """`show` as JSON, once everything is recorded."""
    bank.wait_for(TENANT, 5)
    assert json.loads(cli("reconcile", "--tenant", TENANT, "--json").stdout)["differences"] == []

    def of(name):
        until = time.monotonic() + 30
        while True:
            (chapter,) = json.loads(cli("show", name, "--tenant", TENANT, "--json").stdout)["revisions"]
            if name != "p-1" or chapter["outcomes"] or time.monotonic() > until:
                return chapter
            time.sleep(0.2)

    return of


def test_the_claims_beside_a_decision_are_those_it_was_made_from(told, cli, ids):
    """Two applications of one batch share an id and a time: the first record's claims stand beside its decision."""
    chapter = told(ids["conflict"])
    assert chapter["known_by"] == "origin"
    assert chapter["verified"]["application"]["cibil_score"] == chapter["application"]["cibil_score"] == 801
    (conflict,) = chapter["conflicting"]
    places = [Place.parse(chapter["origin"]), Place.parse(conflict["origin"])]
    assert places[0][:2] == places[1][:2]
    assert places[0].offset < places[1].offset
    assert "cibil_score" in conflict["claims_differ"]
    text = cli("show", ids["conflict"], "--tenant", TENANT).stdout.splitlines()
    assert text[3].startswith("CONFLICT")
    assert str(places[1]) in "".join(text)


def test_a_conflict_is_marked_in_the_list_and_a_repeat_is_none(told, cli, stack, ids):
    """The list of decisions and the view behind dashboards mark the conflict; the same application twice is a repeat."""
    assert told(ids["repeat"])["repeats"] == 1
    rows = json.loads(cli("decisions", "--tenant", TENANT, "--json").stdout)
    assert {row["application_id"]: row["conflict"] for row in rows} == {"c-1": True, "r-1": False, "p-1": False}
    text = cli("decisions", "--tenant", TENANT).stdout
    assert "1 in conflict" in text
    assert "REPEATED" in cli("show", ids["repeat"], "--tenant", TENANT).stdout


def test_every_decision_of_a_repeated_id_is_replayed_from_its_own_claims(told, cli, ids):
    """Replay finds each decision's own application, and counts the records that are no decisions."""
    told(ids["conflict"])
    done = json.loads(cli("replay", "--tenant", TENANT, "--json").stdout)
    assert done["totals"] == {"equal": 3}
    records = done["decision_records"]
    assert (records["records"], records["decisions"], records["repeats"], records["conflicting"]) == (5, 3, 1, 1)


def test_a_person_s_decision_stands_in_the_story(told, cli, ids):
    """What a person decided is told with who, when and why."""
    (outcome,) = told(ids["person"])["outcomes"]
    assert (outcome["decision"], outcome["actor"], outcome["reason"]) == ("approve", "asha", "The guarantor signed.")
    text = cli("show", ids["person"], "--tenant", TENANT).stdout
    assert "2026-03-01T10:00:00.000Z  APPROVE by asha: The guarantor signed." in text
