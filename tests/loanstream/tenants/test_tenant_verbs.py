"""`loanstream tenant` on a Kafka in memory: what it shows, asks, tells and refuses."""

import io
import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

from place import Place

from loanstream.cli import tenant as verb
from loanstream.terminal import COLUMNS


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An installation that the verb works on, in place of a running stack's."""
    made = Place(tmp_path / "one")
    monkeypatch.setattr(verb, "installation_of", lambda _: made.installation)
    monkeypatch.setattr(verb, "work_on", made.work_on)
    monkeypatch.setattr(verb, "auth_of", lambda _: made.auth)
    return made


def typed(monkeypatch, text):
    """Somebody sits at a terminal, and types."""
    stream = io.StringIO(text)
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", stream)


def test_a_bank_is_added_with_one_line_a_step(place, loanstream):
    """The answer is one line, a second time that there is nothing to do; a program gets the plan."""
    before = place.state
    shown = loanstream("tenant", "add", "bank-c", "--dry-run").stdout
    assert "key file tenant-bank-c.json" in shown
    assert place.state == before
    plan = json.loads(loanstream("tenant", "add", "bank-c", "--dry-run", "--json").stdout)
    assert (plan["tenant"], plan["done"]) == ("bank-c", False)
    assert list(plan["plan"]) == ["mark", "keys", "topics", "positions", "rights", "clients", "served", "read"]
    done = loanstream("tenant", "add", "bank-c")
    assert done.stdout == "bank-c is served\n"
    assert done.stderr.splitlines() == [f"{name} done" for name in plan["plan"]]
    again = json.loads(loanstream("tenant", "add", "bank-c", "--json").stdout)
    assert again["done"]
    assert not any(again["plan"].values())


@pytest.mark.parametrize("name", ["Bank", "b", "bank_c", "../x"])
def test_a_name_that_cannot_be_a_banks_is_refused(place, loanstream, name):
    """With what is expected; nothing is made."""
    before = place.state
    assert "[a-z][a-z0-9-]{1,30}" in loanstream("tenant", "add", name, code=2).stderr
    assert place.state == before


def test_the_list_tells_where_each_bank_stands_and_what_to_do(place, loanstream):
    """Complete, half added with what is missing, removed with what is kept; no line is wider than it may be."""
    loanstream("tenant", "add", "bank-removed-with-a-long-name")
    loanstream("tenant", "remove", "bank-removed-with-a-long-name", "--yes")
    place.book.note("bank-half", "adding")
    rows = {each["tenant"]: each for each in json.loads(loanstream("tenant", "list", "--json").stdout)}
    assert rows["bank-a"] == {"tenant": "bank-a", "stands": "complete", "missing": [], "kept": [], "next": None}
    assert rows["bank-half"]["missing"] == ["keys", "topics", "positions", "rights", "clients", "served", "read"]
    assert rows["bank-half"]["next"] == "loanstream tenant add bank-half"
    assert rows["bank-removed-with-a-long-name"]["kept"] == ["topics", "keys"]
    shown = loanstream("tenant", "list").stdout
    assert max(map(len, shown.splitlines())) <= COLUMNS
    assert len(json.loads(loanstream("tenant", "list", "bank-a", "--json").stdout)) == 1


def test_a_bank_is_removed_only_by_its_typed_name(place, loanstream, monkeypatch):
    """Before it is asked for, the plan and what is lost for good are shown; anything else leaves all as it is."""
    loanstream("tenant", "add", "bank-c")
    before = place.state
    assert "--yes" in loanstream("tenant", "remove", "bank-c", code=1).stderr
    for wrong in ("", "yes\n", "bank-a\n"):
        typed(monkeypatch, wrong)
        said = loanstream("tenant", "remove", "bank-c", "--delete-data", "topics,keys", code=1).stderr
        assert "LOST for good: keys: its receipts can never be proven again" in said
        assert place.state == before
    typed(monkeypatch, "bank-c\n")
    done = loanstream("tenant", "remove", "bank-c")
    assert done.stdout == "bank-c is cut off\n"
    assert (
        "kept: topics, keys; to delete all of it: loanstream tenant remove bank-c --delete-data topics,keys"
        in done.stderr
    )
    assert "bank-c" not in place.installation.tenants


def test_a_plan_of_a_removal_changes_nothing(place, loanstream):
    """It names the clients, the rights, and each topic that would go."""
    loanstream("tenant", "add", "bank-c")
    before = place.state
    told = loanstream("tenant", "remove", "bank-c", "--delete-data", "topics,keys", "--dry-run", "--json").stdout
    plan = json.loads(told)["plan"]
    removed = [f"remove client bank-c-{kind}" for kind in ("producer", "consumer", "gateway-reviewer")]
    assert plan["clients"] == [*removed, "give no token to any client of its"]
    assert "delete topic loan.applications.v1.bank-c" in plan["topics"]
    assert plan["documents"] == []
    assert place.state == before


def test_an_unknown_bank_is_told_with_those_there_are(place, loanstream):
    """A slip of the pen removes nobody."""
    assert "there are bank-a" in loanstream("tenant", "remove", "bank-x", "--yes", code=1).stderr


def test_new_secrets_are_told_and_keys_stay(place, loanstream):
    """A plan tells whose; the answer has each with the end of the one before; --keys is refused with the reason."""
    plan = json.loads(loanstream("tenant", "rotate", "bank-a", "--dry-run", "--json").stdout)
    assert len(plan["plan"]["secrets"]) == 3
    told = json.loads(loanstream("tenant", "rotate", "bank-a", "--json").stdout)
    assert [each["client_id"] for each in told] == plan["plan"]["secrets"]
    assert all(each["new"] and each["client_secret"] and each["old_secret_until"].endswith("Z") for each in told)
    again = json.loads(loanstream("tenant", "rotate", "bank-a", "--json").stdout)
    assert [each["client_secret"] for each in again] == [each["client_secret"] for each in told]
    assert "under way" in loanstream("tenant", "rotate", "bank-a", "--dry-run").stdout
    shown = loanstream("tenant", "rotate", "bank-a", "--grace", "0").stdout
    assert told[0]["client_secret"] not in shown
    assert max(map(len, shown.splitlines())) <= COLUMNS
    refused = loanstream("tenant", "rotate", "bank-a", "--keys", code=1).stderr
    assert "would prove and open none of them" in refused
