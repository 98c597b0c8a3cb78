"""`show` where the warehouse knows nothing yet: what waits in the topics is told, for a person and for a program."""

import json
import time
from types import SimpleNamespace

import pytest

from loanstream.ask import unrecorded
from loanstream.ask.unrecorded import Unrecorded, unrecorded_of
from loanstream.cli import show


class Nothing:
    """A warehouse that holds nothing."""

    def query(self, *_, **__):
        return SimpleNamespace(named_results=list, result_rows=[])

    def close(self):
        pass


@pytest.fixture
def waiting(monkeypatch):
    """Whom `show` asks for what is not recorded yet; the answer is two records, one of them the application's."""
    asked = []
    here = SimpleNamespace(
        artefacts=None, warehouse=Nothing, cipher=None, receipt_keys=None, tenants=("bank-a", "bank-b"),
        narrowed=lambda tenant: tenant,
    )  # fmt: skip
    monkeypatch.setattr(show, "installation_of", lambda _: here)
    monkeypatch.setattr(show, "artefact_name", lambda _: lambda _: None)

    def found(_, tenants, application_id):
        asked.append((list(tenants), application_id))
        return Unrecorded(tuple(tenants), 2, True, [("applications", "loan.applications.v1.bank-a/0/7")])

    monkeypatch.setattr(show, "unrecorded_of", found)
    return asked


def test_an_application_on_its_way_is_told(loanstream, waiting):
    """Where it stands is told; it is unknown to the warehouse all the same, and the exit code says so."""
    assert loanstream("show", "l-1", "--tenant", "bank-a", code=1).stdout == (
        "the warehouse knows nothing about l-1\n"
        "2 records of the topics of bank-a not recorded yet\n"
        "  one of its applications stands at loan.applications.v1.bank-a/0/7\n"
    )
    told = json.loads(loanstream("show", "l-1", "--json", code=1).stdout)
    assert told["unrecorded"]["records"] == 2
    assert waiting == [(["bank-a"], "l-1"), (["bank-a", "bank-b"], "l-1")]


def test_a_kafka_that_is_away_costs_seconds(monkeypatch):
    """The story is told without it: what waits there is then not known."""
    monkeypatch.setattr(unrecorded, "ANSWER_S", 0.5)
    begun = time.monotonic()
    assert unrecorded_of(SimpleNamespace(bootstrap="127.0.0.1:1", security={}), ["bank-a"], "l-1") is None
    assert time.monotonic() - begun < 5
