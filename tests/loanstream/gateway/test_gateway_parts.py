"""What the gateway is made of, how its readiness asks, and its row in the stack's process table."""

import asyncio
import socket
import sys
import threading
import time

import pytest

from loanstream.gateway import parts, watches
from loanstream.gateway.child import Gateway, Provider
from loanstream.gateway.parts import BUILDERS, Made, parts_of
from loanstream.installation import Installation
from loanstream.settings import environment_of, load
from loanstream.stack.layout import Layout
from schemas.problem import Problem
from stores.documents.blobs import FileBlobs

OTHERS = ("sender", "claims", "decisions", "reviews", "score")


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


def absent(name):
    return lambda _: Made(name)


def test_a_part_that_nothing_makes_stops_the_start():
    """By its name: a gateway never answers without one."""

    async def made():
        async with parts_of(installation(), {"verifier": absent("verifier")}, {}):
            raise AssertionError

    with pytest.raises(Problem, match="documents, sender, claims, decisions, reviews, score"):
        asyncio.run(made())


def test_every_builder_is_a_part_s():
    """A row for a part that there is not would be made by nobody."""
    names = set(parts.Parts.__dataclass_fields__)
    assert BUILDERS.keys() <= names - {"healthy"}


def test_parts_begin_in_order_and_end_in_the_other():
    """Whatever happens within; what did not begin is not ended."""
    told = []

    def part(name, fails=False):
        async def start():
            told.append(f"start {name}")
            if fails:
                raise Problem(name)

        async def close():
            told.append(f"close {name}")

        return lambda _: Made(name, start=start, close=close)

    names = ("verifier", "documents", *OTHERS)

    async def within(builders):
        async with parts_of(installation(), builders, {}) as made:
            told.append(made.sender)

    asyncio.run(within({name: part(name) for name in names}))
    begun = [f"start {name}" for name in names]
    assert told == [*begun, "sender", *(f"close {name}" for name in reversed(names))]
    told.clear()
    with pytest.raises(Problem, match="sender"):
        asyncio.run(within({name: part(name, fails=name == "sender") for name in names}))
    assert told == ["start verifier", "start documents", "start sender", "close documents", "close verifier"]


def test_what_is_wrong_is_told_by_the_part_s_name_and_one_that_hangs_hides_no_other(monkeypatch):
    """All are asked at the same time, and none is waited for too long."""
    monkeypatch.setattr(parts, "WITHIN_S", -0.4)

    async def hangs():
        await asyncio.sleep(60)

    async def away():
        return "away"

    builders = {name: absent(name) for name in ("verifier", "documents", *OTHERS)}
    builders |= {"sender": lambda _: Made("sender", hangs), "claims": lambda _: Made("claims", away)}

    async def asked():
        async with parts_of(installation(), builders, {"broker": lambda _: away}) as made:
            return await made.healthy()

    assert asyncio.run(asked()) == {"sender": "no answer in time", "claims": "away", "broker": "away"}


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
            began = time.monotonic()
            said = asyncio.run(watches.broker(installation(kafka_bootstrap=f"127.0.0.1:{port}"))())
            assert said is not None
            assert "127.0.0.1" not in said
            assert time.monotonic() - began < watches.WITHIN_S + 1


def test_a_tenant_s_receipt_key_is_not_kept(tmp_path):
    """The gateway seals documents, and signs no decision: of a bank's keys it keeps one."""
    layout = Layout(tmp_path / "state")
    FileBlobs.create(tmp_path / "documents")
    from stores.keys import KeyFiles

    keys = KeyFiles(layout.keys).make_tenant("bank-a")
    here = installation(documents_url=(tmp_path / "documents").as_uri(), keys=layout.keys, tenants=("bank-a",))
    made = BUILDERS["documents"](here)
    sha256 = made.part.put("bank-a", b"%PDF")
    assert made.part.get("bank-a", sha256) == b"%PDF"
    assert here.documents.get("bank-a", sha256) == b"%PDF", "the workers' store opens it"
    assert keys.receipt_key not in [value for key in made.part._keys.values() for value in (key.id, key.secret)]
