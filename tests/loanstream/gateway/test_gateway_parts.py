"""What the gateway is made of, how its readiness asks, and its row in the stack's process table."""

import asyncio
import socket
import sys
import threading
import time
from contextlib import asynccontextmanager

import pytest

from loanstream.gateway import parts, watches
from loanstream.gateway.child import Gateway, Provider
from loanstream.gateway.parts import Made, parts_of
from loanstream.installation import Installation
from loanstream.settings import environment_of, load
from loanstream.stack.layout import Layout
from schemas.problem import Problem
from stores.documents.blobs import FileBlobs
from stores.documents.store import DocumentStore
from stores.keys import KeyFiles


@pytest.fixture
def gateway(tmp_path) -> Gateway:
    """A gateway of an installation that is only described."""
    installation = {"kafka_bootstrap": "127.0.0.1:9", "tenants": ("bank-a",), "documents_url": tmp_path.as_uri()}
    provider = Provider("https://localhost:1", "https://localhost:1/jwks.json", "https://localhost:1/oauth/token")
    return Gateway(20444, tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem", provider, installation)


def test_its_row_starts_it_by_settings_alone(gateway):
    """No secret stands on its command line; what it is told is what `load` finds."""
    row = gateway.child(stop_rank=0, stop_within_s=10.0)
    assert (row.name, row.command) == ("gateway", (sys.executable, "-m", "loanstream.gateway"))
    found = load(row.environment)
    assert found.gateway_issuer == "https://localhost:1"
    assert (found.gateway_port, found.gateway_audience) == (20444, "loanstream-gateway")
    assert found.gateway_token_url == "https://localhost:1/oauth/token"
    assert found.kafka_bootstrap == "127.0.0.1:9"
    assert gateway.part == {"url": "https://localhost:20444"}


def test_it_is_given_nothing_that_it_does_not_need(gateway):
    """Neither the password of the warehouse's writer nor anything of another installation that is set here."""
    outer = {"LOANSTREAM_WAREHOUSE_WRITER_PASSWORD": "of another", "LOANSTREAM_KEYS": "/of/another"}
    found = load(outer | gateway.environment)
    assert (found.warehouse_writer_password, found.keys) == ("", None)


def installation(**values):
    return Installation(load(environment_of(values)))


ALL = ("verifier", "documents", "sender", "claims", "decisions", "reviews", "score")


def maker(names, told, complaints=(), fails=False):
    """Makes parts that are their own names, and tells when they begin and end."""

    @asynccontextmanager
    async def make(_):
        told.append(f"begin {names[0]}")
        if fails:
            raise Problem(names[0])
        try:
            yield Made({name: name for name in names}, dict(complaints))
        finally:
            told.append(f"end {names[0]}")

    return make


def within(makers):
    """What the parts complain of."""

    async def asked():
        async with parts_of(installation(), makers) as made:
            assert made.sender == "sender"
            return await made.healthy()

    return asyncio.run(asked())


def test_a_part_that_nothing_makes_stops_the_start():
    """By its name: a gateway never answers without one; what had begun has ended."""
    told = []
    with pytest.raises(Problem, match=r"nothing makes these parts of the gateway: decisions, reviews, score$"):
        within({"some": maker(ALL[:4], told)})
    assert told == ["begin verifier", "end verifier"]


def test_parts_begin_in_order_and_end_in_the_other():
    """Whatever happens within; what did not begin is not ended."""
    told = []
    assert within({"a": maker(ALL[:2], told), "b": maker(ALL[2:], told)}) == {}
    assert told == ["begin verifier", "begin sender", "end sender", "end verifier"]
    told.clear()
    with pytest.raises(Problem, match="sender"):
        within({"a": maker(ALL[:2], told), "b": maker(ALL[2:], told, fails=True)})
    assert told == ["begin verifier", "begin sender", "end verifier"]


def test_what_is_wrong_is_told_by_the_part_s_name_and_one_that_hangs_hides_no_other(monkeypatch):
    """All are asked at the same time, and none is waited for too long."""
    monkeypatch.setattr(parts, "WITHIN_S", -0.4)

    async def hangs():
        await asyncio.sleep(60)

    async def says(what=None):
        return what

    asked = {"sender": hangs, "claims": lambda: says("away"), "decisions": says}
    assert within({"all": maker(ALL, [], asked)}) == {"sender": "no answer in time", "claims": "away"}


def test_a_question_that_does_not_come_back_is_not_asked_again():
    """A mount that hangs costs one thread, however often readiness is asked."""
    begun, hang = [], threading.Event()

    def ask():
        begun.append(1)
        hang.wait(10)

    async def asked():
        complaint = watches.one_at_a_time(ask, within_s=0.02)
        found = [await complaint() for _ in range(5)]
        hang.set()
        await asyncio.sleep(0.1)
        return [*found, await complaint()]

    assert asyncio.run(asked()) == ["no answer in time"] * 5 + [None]
    assert len(begun) == 2


def test_a_document_store_that_is_not_there_is_told(tmp_path):
    """An empty mount point is not the store."""

    def complaint(path):
        return asyncio.run(watches.document_store(installation(documents_url=path.as_uri()))())

    FileBlobs.create(tmp_path / "documents")
    assert complaint(tmp_path / "documents") is None
    assert complaint(tmp_path / "elsewhere") == "the document store is not there"


def test_a_broker_that_does_not_answer_is_told_in_time():
    """Whether nobody listens there, or somebody who says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (9, silent.getsockname()[1]):
            with watches.broker(installation(kafka_bootstrap=f"127.0.0.1:{port}")) as complaint:
                began = time.monotonic()
                said = asyncio.run(complaint())
                assert said is not None
                assert "127.0.0.1" not in said
                assert time.monotonic() - began < watches.WITHIN_S + 1


def test_a_tenant_s_receipt_key_is_not_kept(tmp_path):
    """The gateway seals documents, and signs no decision: of a bank's keys it keeps one."""
    layout = Layout(tmp_path / "state")
    FileBlobs.create(tmp_path / "documents")
    keys = KeyFiles(layout.keys).make_tenant("bank-a")
    here = installation(documents_url=(tmp_path / "documents").as_uri(), keys=layout.keys, tenants=("bank-a",))
    found = parts._document_key(here, "bank-a")
    assert (found.id, found.secret) == (keys.document_id, keys.document_key)
    assert keys.receipt_key != found.secret
    made = DocumentStore(here.blobs, {"bank-a": found})
    sha256 = made.put("bank-a", b"%PDF")
    assert here.documents.get("bank-a", sha256) == b"%PDF", "the workers' store opens it"
    # Nothing of the installation remembers the others: the workers' own look, just now, was for this one.
    assert here.document_keys.cache_info().currsize == 1
    assert here.receipt_keys.cache_info().currsize == 0
