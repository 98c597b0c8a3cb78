"""`loanstream tenant` on a running stack: a bank is added, gets new secrets and is removed, and others notice nothing."""

import json
import ssl
import time
from contextlib import closing

import httpx
import pytest
from confluent_kafka import KafkaError, Producer

from loanstream.stack.layout import read_stack

LODGER, NEIGHBOUR = "lodger", "lodger-b"
ADDED_WITHIN_S = 60.0
NOT_ALLOWED = KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.fixture(scope="module")
def processes(stack):
    """The stack's processes before: none is started anew by anything here."""
    return processes_of(stack)


def processes_of(stack) -> dict[str, int]:
    return {part["name"]: part["pid"] for part in read_stack(stack.layout.state)["processes"]}


def settings_of(stack, tenant: str) -> dict:
    """A bank's own librdkafka settings, as it finds them in stack.json; the operator's where nobody is refused."""
    told = read_stack(stack.layout.state)["kafka"]
    own = told["security"].get(f"producer:{tenant}", told["security"].get("admin", {}))
    return {"bootstrap.servers": told["bootstrap"], "log_level": 0, "message.timeout.ms": 8000, **own}


def token_status(stack, client: dict) -> int:
    """What the token server answers to a client."""
    told = read_stack(stack.layout.state)
    trusted = ssl.create_default_context(cafile=told["tls"]["ca"])
    form = {"grant_type": "client_credentials"}
    auth = (client["client_id"], client["client_secret"])
    return httpx.post(told["auth"]["token_endpoint"], data=form, auth=auth, verify=trusted).status_code


def https_client(stack, client: dict) -> httpx.Client:
    """A client of the gateway, with a token."""
    told = read_stack(stack.layout.state)
    trusted = ssl.create_default_context(cafile=told["tls"]["ca"])
    auth = (client["client_id"], client["client_secret"])
    form = {"grant_type": "client_credentials"}
    granted = httpx.post(told["auth"]["token_endpoint"], data=form, auth=auth, verify=trusted)
    headers = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    return httpx.Client(base_url=told["gateway"]["url"], verify=trusted, headers=headers, timeout=40)


def delivered(producer: Producer, tenant: str, event: dict) -> int | None:
    """The code of a record that was not taken; None of one that was."""
    codes: list[int | None] = []
    value = json.dumps(event | {"tenant": tenant}).encode()
    producer.produce(
        f"loan.applications.v1.{tenant}",
        value,
        event["application_id"].encode(),
        on_delivery=lambda error, _: codes.append(None if error is None else error.code()),
    )
    assert producer.flush(20) == 0
    return codes[0]


def decided(bank, tenant: str, count: int) -> None:
    decisions, letters = bank.outcomes(tenant, count)
    assert (len(decisions), letters) == (count, [])


def row(cli, tenant: str) -> dict:
    (found,) = json.loads(cli("tenant", "list", tenant, "--json").stdout)
    return found


def test_a_bank_comes_gets_new_secrets_and_goes_while_another_is_decided(stack, processes, bank, cli, shipped_example):
    """What it sends is decided once `add` returned; its old secret is refused, and then it is, on its open connection
    too. Its neighbour's applications are decided all the while, by the processes that were there.
    """
    over_https = {name: value for name, value in shipped_example.items() if name != "tenant"}
    over_https["application_id"] = "over-https"
    plan = json.loads(cli("tenant", "add", LODGER, "--dry-run", "--json").stdout)
    assert plan["plan"]["keys"] == [f"key file tenant-{LODGER}.json"]
    assert row(cli, LODGER)["stands"] == "not added"
    for tenant in (LODGER, NEIGHBOUR):
        began = time.monotonic()
        cli("tenant", "add", tenant)
        assert time.monotonic() - began < ADDED_WITHIN_S
        assert row(cli, tenant)["stands"] == "complete"
        assert tenant in read_stack(stack.layout.state)["tenants"]
    assert "nothing is to be done" in cli("tenant", "add", LODGER).stdout
    lodger, neighbour = (Producer(settings_of(stack, tenant)) for tenant in (LODGER, NEIGHBOUR))
    assert delivered(lodger, LODGER, shipped_example) is None
    assert delivered(neighbour, NEIGHBOUR, shipped_example) is None
    decided(bank, LODGER, 1)
    decided(bank, NEIGHBOUR, 1)

    if is_secured := "auth" in stack.stack:
        before = read_stack(stack.layout.state)["auth"]["clients"][f"producer:{LODGER}"]
        assert token_status(stack, before) == 200
        told = json.loads(cli("tenant", "rotate", LODGER, "--grace", "0", "--json").stdout)
        new = next(each for each in told if each["client_id"] == before["client_id"])
        assert (token_status(stack, before), token_status(stack, new)) == (401, 200)
        assert delivered(lodger, LODGER, shipped_example | {"application_id": "after-rotation"}) is None
        door = https_client(stack, new)
        said = door.post("/v1/applications", json=over_https, headers={"Prefer": "wait=30"})
        assert (said.status_code, said.json()["status"]) == (200, "decided"), said.text

    cli("tenant", "remove", LODGER, "--yes")
    if is_secured:
        assert token_status(stack, new) == 401
        assert door.post("/v1/applications", json=over_https).status_code == 401  # the token is good for minutes
        assert delivered(lodger, LODGER, shipped_example | {"application_id": "too-late"}) == NOT_ALLOWED
    assert (row(cli, LODGER)["stands"], row(cli, LODGER)["kept"]) == ("removed", ["topics", "warehouse", "keys"])
    assert f"no tenant {LODGER}" in cli("submit", "x.json", "--tenant", LODGER, code=1).stderr
    assert delivered(neighbour, NEIGHBOUR, shipped_example | {"application_id": "meanwhile"}) is None
    decided(bank, NEIGHBOUR, 2)
    assert processes_of(stack) == processes


def test_topics_go_without_a_stage_that_stumbles(stack, processes, bank, cli, shipped_example):
    """Once everything is decided and recorded the topics, rows and keys that are named are deleted; others go on."""
    said = cli("tenant", "remove", LODGER, "--delete-data", "topics,documents,warehouse,keys", code=1).stderr
    assert "--yes" in said
    cli("tenant", "remove", LODGER, "--delete-data", "topics,documents,warehouse,keys", "--yes")
    assert (row(cli, LODGER)["stands"], row(cli, LODGER)["kept"]) == ("removed with its topics", [])
    assert "expected another name" in cli("tenant", "add", LODGER, code=1).stderr
    with closing(stack.warehouse()) as client:
        counts = "SELECT count() FROM loanstream.decisions WHERE tenant = {tenant:String}"
        found = [client.query(counts, parameters={"tenant": each}).first_row[0] for each in (LODGER, NEIGHBOUR)]
    assert found[0] == 0
    time.sleep(12)  # the clients look for topics every five seconds
    bank.publish(
        NEIGHBOUR, "last", json.dumps(shipped_example | {"tenant": NEIGHBOUR, "application_id": "last"}).encode()
    )
    bank.flush()
    decided(bank, NEIGHBOUR, 3)
    assert processes_of(stack) == processes
