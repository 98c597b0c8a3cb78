"""Verbs that ask the warehouse give their connection back, also where the answer is a fault."""

from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from loanstream.cli import decisions, show
from loanstream.doctor import look_at
from schemas.problem import Problem


class Client:
    """A warehouse that holds nothing, or that fails."""

    def __init__(self, fault=None):
        self.fault, self.closed = fault, False

    def query(self, *_, **__):
        if self.fault is not None:
            raise self.fault
        return SimpleNamespace(named_results=list, result_rows=[])

    def command(self, *_, **__):
        raise DatabaseError("Code: 164 READONLY")

    def close(self):
        self.closed = True


def installation(client):
    return SimpleNamespace(
        artefacts=SimpleNamespace(root=None),
        warehouse=lambda: client,
        warehouse_reader="reader",
        cipher=None,
        receipt_keys=None,
        tenants=("bank-a",),
        narrowed=lambda tenant: tenant,
    )


@pytest.mark.parametrize("fault", [None, Problem("away")], ids=["answers", "fails"])
@pytest.mark.parametrize("arguments", [("show", "a-1"), ("decisions",)], ids=lambda found: found[0])
def test_the_connection_is_given_back(loanstream, monkeypatch, fault, arguments):
    """Whether there was an answer or a fault."""
    client = Client(fault)
    for module in (show, decisions):
        monkeypatch.setattr(module, "installation_of", lambda _: installation(client))
    monkeypatch.setattr(show, "artefact_name", lambda _: lambda _: None)
    monkeypatch.setattr(show, "unrecorded_of", lambda *_: None)
    loanstream(*arguments, code=1 if fault is not None or arguments[0] == "show" else 0)
    assert client.closed


def test_the_doctor_gives_the_reader_s_connection_back(monkeypatch):
    """After the probes that all have to be refused."""
    client = Client()
    monkeypatch.setattr(look_at, "warehouse", lambda _: (True, ""))
    assert look_at.readers_limits(installation(client))[0]
    assert client.closed
