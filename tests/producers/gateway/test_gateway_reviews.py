"""Reviews over HTTP, with doubles for the warehouse, Kafka and the provider."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from starlette.testclient import TestClient

from producers.gateway.app import gateway
from producers.gateway.callers import Caller
from producers.gateway.problems import ProblemError
from producers.gateway.reviews import WarehouseReviews
from schemas.records import Place
from stores.reviews import Page, Review

REVIEW = "b5b4a9b6-5a3b-5f0e-8d2a-6f1c2d3e4f50"
WAITING = {"review_id": REVIEW, "application_id": "a-1", "revision": 2}
BOTH = frozenset({"reviews:read", "reviews:write"})
CALLERS = {
    "client": Caller("bank-a", "core-banking", BOTH),
    "asha": Caller("bank-a", "portal", BOTH, "asha"),
    "reader": Caller("bank-a", "portal", frozenset({"reviews:read"}), "asha"),
    "writer": Caller("bank-a", "portal", frozenset({"reviews:write"}), "asha"),
    "other": Caller("bank-b", "core-banking", BOTH, "mallory"),
    "long": Caller("bank-a", "portal", BOTH, "x" * 300),
}
GOOD = {"decision": "approve", "reason": "the employer confirmed the income"}


class Queue:
    """One review of bank-a."""

    def __init__(self):
        self.human, self.superseded_by, self.asked = [], None, []

    async def waiting(self, tenant, limit, order, after):
        self.asked.append((tenant, limit, order, after))
        return Page([WAITING], "1-x") if tenant == "bank-a" else Page([], None)

    async def one(self, tenant, review_id):
        if (tenant, review_id) != ("bank-a", REVIEW):
            return None
        decision = {"decision_id": REVIEW, "outcome": "refer"}
        return Review("bank-a", "a-1", 2, decision, self.human, self.superseded_by)


class Sender:
    def __init__(self):
        self.sent = []

    async def send_outcome(self, outcome):
        self.sent.append(outcome)
        return Place("loan.outcomes.v1.bank-a", 1, len(self.sent))


class Verifier:
    async def caller(self, token):
        return CALLERS[token]


@pytest.fixture
def parts():
    return SimpleNamespace(verifier=Verifier(), reviews=Queue(), sender=Sender())


@pytest.fixture
def http(parts):
    client = TestClient(gateway(parts), raise_server_exceptions=False)

    def ask(method, path, who="asha", body=None):
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return client.request(method, f"/v1/reviews{path}", headers={"authorization": f"Bearer {who}"}, content=content)

    return ask


def test_the_queue_is_the_token_s_bank_s(http, parts):
    """Limit, order and cursor are passed on; the bank is never asked for."""
    found = http("GET", "?limit=2&order=oldest&after=1-x&tenant=bank-b")
    assert (found.status_code, found.json()) == (200, {"reviews": [WAITING], "next": "1-x"})
    assert parts.reviews.asked == [("bank-a", 2, "oldest", "1-x")]
    assert http("GET", "", "other").json() == {"reviews": [], "next": None}


@pytest.mark.parametrize("asked", ["?limit=0", "?limit=201", "?limit=x", "?order=random"])
def test_a_parameter_that_cannot_be_is_named(http, parts, asked):
    """And nothing is asked."""
    found = http("GET", asked)
    assert (found.status_code, found.json()["type"]) == (400, "urn:loanstream:problem:parameter-wrong")
    assert asked[1:6] in found.json()["errors"][0]["field"] + "?"
    assert parts.reviews.asked == []


def test_a_person_s_decision_becomes_an_outcome_of_his_own_name(http, parts):
    """The token's user decided; nobody vouches for him."""
    found = http("POST", f"/{REVIEW}", body=GOOD)
    assert found.status_code == 202
    (outcome,) = parts.sender.sent
    assert (outcome.tenant, outcome.application_id, outcome.revision) == ("bank-a", "a-1", 2)
    assert (outcome.kind, outcome.decision, outcome.reason) == ("human_decision", "approve", GOOD["reason"])
    assert (outcome.actor, outcome.asserted_by) == ("asha", None)
    told = found.json()
    assert (told["place"], told["status"]) == ("loan.outcomes.v1.bank-a/1/1", f"/v1/reviews/{REVIEW}")


def test_a_client_names_the_reviewer_and_is_recorded_beside_him(http, parts):
    """Without an actor nothing is recorded."""
    refused = http("POST", f"/{REVIEW}", "client", GOOD)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "actor")
    assert http("POST", f"/{REVIEW}", "client", GOOD | {"actor": "   "}).status_code == 422
    assert parts.sender.sent == []
    assert http("POST", f"/{REVIEW}", "client", GOOD | {"actor": "priya"}).status_code == 202
    (outcome,) = parts.sender.sent
    assert (outcome.actor, outcome.asserted_by) == ("priya", "core-banking")


def test_a_person_decides_for_nobody_else(http, parts):
    """A user's token with another actor is refused; with his own name it is his."""
    refused = http("POST", f"/{REVIEW}", body=GOOD | {"actor": "priya"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "actor")
    assert "priya" not in refused.text
    assert parts.sender.sent == []
    assert http("POST", f"/{REVIEW}", body=GOOD | {"actor": "asha"}).status_code == 202


BAD = {
    "no reason": ({"decision": "approve"}, 422, "reason"),
    "empty reason": (GOOD | {"reason": ""}, 422, "reason"),
    "blank reason": (GOOD | {"reason": " \u00a0 "}, 422, "reason"),
    "long reason": (GOOD | {"reason": "x" * 501}, 422, "reason"),
    "two lines": (GOOD | {"reason": "a\nb"}, 422, "reason"),
    "line at the end": (GOOD | {"reason": "a\n"}, 422, "reason"),
    "control": (GOOD | {"reason": "a\x1b[2J"}, 422, "reason"),
    "refer": (GOOD | {"decision": "refer"}, 422, "decision"),
    "no decision": ({"reason": "x"}, 422, "decision"),
    "tenant forged": (GOOD | {"tenant": "bank-b"}, 422, "(unknown)"),
    "asserted_by forged": (GOOD | {"asserted_by": "someone"}, 422, "(unknown)"),
    "a list": ([GOOD], 422, "(record)"),
    "no body": (None, 400, "(record)"),
    "no JSON": (b"{", 400, "(record)"),
    "twice": (b'{"decision": "approve", "decision": "decline", "reason": "x"}', 400, "decision"),
    "surrogate": (b'{"decision": "approve", "reason": "\\ud800"}', 422, "reason"),
}


@pytest.mark.parametrize(("body", "status", "field"), BAD.values(), ids=BAD)
def test_a_decision_that_cannot_be_recorded_is_refused_by_field(http, parts, body, status, field):
    """With what is expected; nothing is sent."""
    found = http("POST", f"/{REVIEW}", body=body)
    assert found.status_code == status, found.text
    assert found.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in found.json()["errors"]]
    assert parts.sender.sent == []


def test_a_user_whom_no_event_can_name_is_refused(http, parts):
    """A token's user is bounded as every actor is."""
    assert http("POST", f"/{REVIEW}", "long", GOOD).status_code == 422
    assert parts.sender.sent == []


def test_a_second_decision_is_refused_and_told_who_decided_when(http, parts):
    """Also one that says the same; and one on a revision that is not the newest."""
    said = {"at": "2026-02-11T14:05:00.000Z", "decision": "decline", "actor": "ravi", "counts": True}
    parts.reviews.human = [said]
    found = http("POST", f"/{REVIEW}", body=GOOD)
    assert (found.status_code, found.json()["type"]) == (409, "urn:loanstream:problem:conflict")
    assert "ravi" in found.json()["detail"]
    assert "2026-02-11T14:05:00.000Z" in found.json()["detail"]
    parts.reviews.human, parts.reviews.superseded_by = [], 3
    assert "revision 3" in http("POST", f"/{REVIEW}", body=GOOD).json()["detail"]
    assert parts.sender.sent == []


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", GOOD)])
def test_another_bank_s_review_is_as_one_that_never_was(http, parts, method, body):
    """Byte for byte, and for an id that is none."""
    others, absent, strange = (
        http(method, path, "other", body) for path in (f"/{REVIEW}", f"/{REVIEW[:-1]}9", "/..%2f..%2fetc")
    )
    assert others.status_code == absent.status_code == strange.status_code == 404
    assert others.content == absent.content
    assert others.headers == absent.headers
    assert parts.sender.sent == []


def test_each_path_asks_for_its_scope(http):
    """Who may read may not decide, and who may decide may not read."""
    assert http("POST", f"/{REVIEW}", "reader", GOOD).status_code == 403
    assert http("GET", "", "writer").status_code == 403
    assert http("GET", f"/{REVIEW}", "writer").status_code == 403
    assert http("GET", f"/{REVIEW}", "reader").status_code == 200


def test_the_paths_are_documented(parts):
    """Every answer, with examples a developer can try."""
    paths = gateway(parts).openapi()["paths"]
    decide = paths["/v1/reviews/{review_id}"]["post"]
    assert {"202", "400", "401", "403", "404", "409", "422", "503"} <= decide["responses"].keys()
    body = decide["requestBody"]["content"]["application/json"]
    assert set(body["schema"]["required"]) == {"decision", "reason"}
    assert set(body["example"]) <= set(body["schema"]["properties"])
    assert {"200", "400", "401", "403", "503"} <= paths["/v1/reviews"]["get"]["responses"].keys()


class Client:
    """A warehouse that fails `faults` times, then has nothing."""

    def __init__(self, faults):
        self.faults, self.closed = faults, False

    def query(self, *_, **__):
        if self.faults:
            raise self.faults.pop()
        return SimpleNamespace(named_results=list)

    def close(self):
        self.closed = True


def test_a_warehouse_that_is_away_is_told_and_asked_anew():
    """503 with Retry-After; the next question comes over a new connection."""
    made = []
    faults = [DatabaseError("Code: 159"), ConnectionRefusedError()]

    def connect():
        made.append(Client(faults))
        return made[-1]

    async def ask():
        part = WarehouseReviews(connect, readers=1)
        for _ in range(2):
            with pytest.raises(ProblemError) as told:
                await part.one("bank-a", REVIEW)
            assert (told.value.kind, told.value.retry_after_s) == ("unavailable", 5.0)
        assert await part.one("bank-a", REVIEW) is None
        assert await part.one("bank-a", REVIEW) is None
        part.close()

    asyncio.run(ask())
    assert [client.closed for client in made] == [True, True, False]


def test_a_warehouse_that_hangs_holds_nobody():
    """Whoever waits is told so in time; so is who stands behind him."""
    import threading

    release = threading.Event()

    class Hangs(Client):
        def query(self, *_, **__):
            assert release.wait(30)
            return SimpleNamespace(named_results=list)

    async def ask():
        part = WarehouseReviews(lambda: Hangs([]), readers=1, patience_s=0.2)
        told = await asyncio.gather(*(part.one("bank-a", REVIEW) for _ in range(3)), return_exceptions=True)
        assert [error.kind for error in told] == ["unavailable"] * 3
        release.set()
        part.close()

    asyncio.run(ask())


def test_a_wrong_cursor_is_a_wrong_parameter():
    """It names the parameter."""

    async def ask():
        part = WarehouseReviews(lambda: Client([]), readers=1)
        with pytest.raises(ProblemError) as told:
            await part.waiting("bank-a", 5, "newest", "' OR 1=1")
        part.close()
        return told.value

    found = asyncio.run(ask())
    assert (found.kind, found.faults[0].field) == ("parameter-wrong", "after")
