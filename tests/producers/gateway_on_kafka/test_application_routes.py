"""Applications, decisions and what-if, as a client asks for them."""

import asyncio
import json
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator
from memory_log import until

from producers.gateway.answers import application_schema

EXAMPLES = Path(__file__).resolve().parents[3] / "schemas/examples"
TOPIC = "loan.applications.v1.bank-a"


def example(name, **more):
    return json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8")) | more


def application(**more):
    found = example("loan.application.submitted", **more)
    return {name: value for name, value in found.items() if value is not None}


def decide(log, application_id, revision=1):
    event = example("loan.decision.made", application_id=application_id, revision=revision)
    log.add(
        "loan.decisions.v1.bank-a",
        orjson.dumps(event),
        application_id.encode(),
        [("ce_id", event["decision_id"].encode())],
    )


def ask(client_on, log, talk, **options):
    async def run():
        async with client_on(log, **options) as (client, parts):
            await talk(client, parts)

    asyncio.run(run())


def sent(log, topic=TOPIC):
    return [(record.key().decode(), json.loads(record.value())["revision"]) for record in log.topics[topic]]


def test_an_accepted_application_is_on_its_banks_topic(memory_log, client_on):
    """202 says that the broker has it, and where to ask how it stands."""

    async def talk(client, parts):
        body = application(application_id="A-1", revision=2)
        answer = await client.post("/v1/applications", json=body)
        assert (answer.status_code, answer.headers["location"]) == (202, "/v1/applications/A-1?revision=2")
        assert answer.json() == {
            "application_id": "A-1",
            "revision": 2,
            "status": "accepted",
            "links": {"application": "/v1/applications/A-1?revision=2"},
        }
        assert (await client.get(answer.headers["location"])).json() == answer.json()

    ask(client_on, memory_log, talk)
    assert sent(memory_log) == [("A-1", 2)]


def test_the_bank_is_the_tokens(memory_log, client_on):
    """The body may leave the bank out; another bank in it is refused, and nothing is sent to either."""

    async def talk(client, parts):
        forged = await client.post("/v1/applications", json=application(tenant="bank-b"))
        assert (forged.status_code, forged.json()["type"]) == (403, "urn:loanstream:problem:other-tenant")
        assert forged.json()["errors"][0]["found"] == "bank-b"
        assert not sent(memory_log)
        for body in (application(tenant=None), application(tenant="bank-a")):
            assert (await client.post("/v1/applications", json=body)).status_code == 202

    ask(client_on, memory_log, talk)
    assert {json.loads(record.value())["tenant"] for record in memory_log.topics[TOPIC]} == {"bank-a"}


@pytest.mark.parametrize(
    ("change", "field", "found"),
    [
        ({"currency": "rupees"}, "currency", "rupees"),
        ({"annual_income": -3}, "annual_income", "-3"),
        ({"loan": {"amount": "5.00", "term_years": True}}, "loan.term_years", "true"),
        ({"assets": []}, "assets", "array of 0 items"),
        ({"anual_income": 4}, "(unknown, like annual_income)", "number"),
        ({"application_id": ".."}, "application_id", ".."),
        ({"cibil_score": "x" * 70}, "cibil_score", "string of 70 characters"),
        ({"application_id": "a\nb"}, "application_id", "string of 3 characters"),
        ({"annual_income": None}, "annual_income", None),
    ],
)
def test_a_fault_names_field_found_and_expected(memory_log, client_on, change, field, found):
    """The sender reads what is wrong where, and what he sent there; nothing is sent on."""

    async def talk(client, parts):
        answer = await client.post("/v1/applications", json=application(**change))
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        fault = next(error for error in answer.json()["errors"] if error["field"] == field)
        assert fault["expected"]
        assert fault.get("found") == found

    ask(client_on, memory_log, talk)
    assert not sent(memory_log)


@pytest.mark.parametrize(
    ("body", "cause"),
    [(b"", "not-json"), (b"{", "not-json"), (b'{"tenant": "bank-a", "tenant": "bank-b"}', "not-json"), (b"[]", "invalid"),
     (b'{"annual_income": NaN}', "not-json"), (b"{}", "invalid"), (b"\xff\xfe{\x00}\x00", "not-json"), (b"[" * 5000, "not-json")],
)  # fmt: skip
def test_what_is_no_application_is_refused(memory_log, client_on, body, cause):
    """What the stage would make a dead letter of is refused at the door."""

    async def talk(client, parts):
        answer = await client.post("/v1/applications", content=body, headers={"Content-Type": "application/json"})
        assert answer.json()["type"] == f"urn:loanstream:problem:{cause}"

    ask(client_on, memory_log, talk)
    assert not sent(memory_log)


def test_a_tenant_within_is_no_tenant(memory_log, client_on):
    """The bank is written into the body's own object, and into nothing else of it: texts stay what they were."""

    async def talk(client, parts):
        extensions = {"note": '{"tenant":"bank-b"', "tenant": "x"}
        body = b" \n" + json.dumps(application(tenant=None, extensions=extensions)).encode()
        answer = await client.post(
            "/v1/applications", content=body, headers={"Content-Type": "application/json; charset=utf-8"}
        )
        assert answer.status_code == 202
        (record,) = memory_log.topics[TOPIC]
        assert json.loads(record.value())["extensions"] == extensions

    ask(client_on, memory_log, talk)


def test_another_media_type_is_refused(memory_log, client_on):
    """A form or a file is no JSON, whatever it holds."""

    async def talk(client, parts):
        answer = await client.post("/v1/applications", content=b"{}", headers={"Content-Type": "text/csv"})
        assert (answer.status_code, answer.json()["errors"][0]["found"]) == (415, "text/csv")

    ask(client_on, memory_log, talk)


def test_the_same_key_is_sent_once(memory_log, client_on):
    """The same key and body: the same answer, and one record; another body: 409."""

    async def talk(client, parts):
        body, key = application(application_id="A-1"), {"Idempotency-Key": "monday-1"}
        first = await client.post("/v1/applications", json=body, headers=key)

        async def noted():
            again = await client.post("/v1/applications", json=body, headers=key)
            assert (again.status_code, again.headers["location"]) == (202, first.headers["location"])
            assert again.json() == first.json()
            return (await parts.claims.claim("bank-a", "portal", "monday-1", b"", "A-1", 1)).is_sent

        await until(noted)
        before = len(memory_log.topics[TOPIC])
        assert await noted()
        assert len(memory_log.topics[TOPIC]) == before
        other = await client.post("/v1/applications", json=application(application_id="A-2"), headers=key)
        assert (other.status_code, other.json()["type"]) == (409, "urn:loanstream:problem:conflict")

    ask(client_on, memory_log, talk)
    assert {name for name, _ in sent(memory_log)} == {"A-1"}


def test_a_key_is_the_clients_own(memory_log, client_on):
    """Another client, or another bank, may use the same key for something else."""

    async def talk(client, parts):
        for number, token in enumerate(("bank-a", "bank-a/app", "bank-b")):
            headers = {"Idempotency-Key": "1", "Authorization": f"Bearer {token}"}
            body = application(tenant=None, application_id=f"A-{number}")
            assert (await client.post("/v1/applications", json=body, headers=headers)).status_code == 202

    ask(client_on, memory_log, talk)
    assert (len(sent(memory_log)), len(sent(memory_log, "loan.applications.v1.bank-b"))) == (2, 1)


def test_a_claim_without_its_application_is_sent_again(memory_log, client_on):
    """A gateway that was killed between claim and application owes the application to the next request."""
    body = json.dumps(application(application_id="A-1")).encode()

    async def killed(client, parts):
        await parts.claims.claim("bank-a", "portal", "k", body, "A-1", 1)

    async def talk(client, parts):
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        assert (await client.post("/v1/applications", content=body, headers=headers)).status_code == 202

    ask(client_on, memory_log, killed)
    assert not sent(memory_log)
    ask(client_on, memory_log, talk)
    assert sent(memory_log) == [("A-1", 1)]


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "\x7f"])
def test_a_key_that_is_none_is_refused(memory_log, client_on, key):
    """A key is 1 to 255 visible characters; two of them in one request are none."""

    async def talk(client, parts):
        wrong = await client.post("/v1/applications", json=application(), headers={"Idempotency-Key": key})
        assert (wrong.status_code, wrong.json()["type"]) == (400, "urn:loanstream:problem:parameter-wrong")
        headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Authorization", "Bearer bank-a")]
        assert (await client.post("/v1/applications", json=application(), headers=headers)).status_code == 400

    ask(client_on, memory_log, talk)
    assert not sent(memory_log)


def test_who_waits_gets_the_decision(memory_log, client_on):
    """`Prefer: wait` answers with the decision, its reasons and its receipt where it is there in time, else with 202."""

    async def talk(client, parts):
        late = await client.post(
            "/v1/applications", json=application(application_id="A-0"), headers={"Prefer": "wait=1"}
        )
        assert (late.status_code, late.headers["preference-applied"]) == (202, "wait=1")
        waiting = asyncio.ensure_future(
            client.post("/v1/applications", json=application(application_id="A-1"), headers={"Prefer": "wait=20"})
        )
        await asyncio.sleep(0.05)
        decide(memory_log, "A-1")
        answer = await waiting
        assert (answer.status_code, answer.json()["status"]) == (200, "decided")
        decision = answer.json()["decision"]
        assert decision.pop("conflicting") is False
        assert decision == example("loan.decision.made", application_id="A-1", revision=1)
        for path in (answer.json()["links"]["decision"], "/v1/decisions/A-1"):
            assert (await client.get(path)).json() == {**decision, "conflicting": False}
        assert (await client.get("/v1/applications/A-1")).json() == answer.json()

    ask(client_on, memory_log, talk)


def test_a_bank_sees_its_own_alone(memory_log, client_on):
    """Another bank's application and decision are not there, by id or by name."""

    async def talk(client, parts):
        await client.post("/v1/applications", json=application(application_id="A-1"))
        decide(memory_log, "A-1")
        await parts.decisions.wait("bank-a", "A-1", 1, 5)
        decision_id = (await client.get("/v1/decisions/A-1")).json()["decision_id"]
        for path in ("/v1/applications/A-1", "/v1/decisions/A-1", f"/v1/decisions/{decision_id}"):
            assert (await client.get(path)).status_code == 200
            assert (await client.get(path, headers={"Authorization": "Bearer bank-b"})).status_code == 404

    ask(client_on, memory_log, talk)


@pytest.mark.parametrize(
    "path", ["/v1/applications/A-9", "/v1/decisions/A-9", "/v1/decisions/00000000-0000-0000-0000-000000000000"]
)
def test_what_is_not_known_is_not_found(memory_log, client_on, path):
    """An id that nobody knows is 404; one that is none is told so."""

    async def talk(client, parts):
        assert (await client.get(path)).status_code == 404
        assert (await client.get(f"{path}%00%2e%2e")).status_code == 400

    ask(client_on, memory_log, talk)


def test_a_frozen_broker_is_503_with_retry_after(memory_log, client_on):
    """Nothing is accepted that no broker confirmed, with a key or without."""

    async def talk(client, parts):
        memory_log.frozen = True
        for headers in ({}, {"Idempotency-Key": "k"}):
            answer = await client.post("/v1/applications", json=application(), headers=headers)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

    ask(client_on, memory_log, talk)
    assert not sent(memory_log)


def test_a_note_that_is_lost_costs_no_answer(memory_log, client_on, monkeypatch):
    """Once the application is confirmed the answer is 202, whatever becomes of the note beside it."""

    async def talk(client, parts):
        def full(*_):
            from producers.gateway.sending import FULL, away

            raise away(FULL)

        monkeypatch.setattr(parts.sender, "post", full)
        answer = await client.post("/v1/applications", json=application(), headers={"Idempotency-Key": "k"})
        assert answer.status_code == 202

    ask(client_on, memory_log, talk)


def test_what_if_says_that_documents_were_not_looked_at(memory_log, client_on):
    """The answer of a what-if says so where the application names documents; nothing is sent."""

    async def score(asked):
        return {"application_id": asked.application_id, "outcome": "approve"}

    async def talk(client, parts):
        plain = await client.post("/v1/score", json=application())
        assert (plain.status_code, plain.json()["documents"]) == (200, "none")
        named = example("loan.application.submitted.with-documents")
        assert (await client.post("/v1/score", json=named)).json()["documents"] == "not looked at"
        assert (await client.post("/v1/score", json=application(tenant="bank-b"))).status_code == 403

    ask(client_on, memory_log, talk, score=score)
    assert not sent(memory_log)


def test_the_description_has_the_contracts_own_schema():
    """What the page describes is what is taken: the schema of the contract, where the bank may be left out."""
    validator = Draft202012Validator(application_schema())
    assert validator.is_valid(application(tenant=None))
    assert validator.is_valid(application())
    assert not validator.is_valid(application(annual_income="-3"))
    assert "$ref" not in json.dumps(application_schema())
