"""What the secured stack's processes and users are told: by which certificate or token they prove themselves."""

import json
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from loanstream.settings import load
from loanstream.stack import up
from loanstream.stack.auth.ring import Times
from loanstream.stack.fresh import clear
from loanstream.stack.kafka.node import Addresses
from loanstream.stack.layout import Layout, write_stack
from loanstream.stack.running import RunningStack
from loanstream.stack.table import WORKERS, Plan, children, operators_installation

ADDRESSES = Addresses(controller="127.0.0.1:3", broker="127.0.0.1:1", oauth="127.0.0.1:2")
NOBODY = SimpleNamespace(processes=list)


@pytest.fixture
def plan_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def plan(*, secure: bool) -> Plan:
        layout = Layout(tmp_path / "state")
        layout.make()
        monkeypatch.setattr(up, "broker_command", lambda *_, **__: (ADDRESSES, ["java"]))
        return up._plan(layout, ("bank-a",), 1, lambda _: None, Times(), secure=secure)

    return plan


def test_each_worker_proves_itself_as_its_stage(plan_of) -> None:
    """A worker's environment names a file (0600) with its own stage's certificate, and no other's."""
    plan = plan_of(secure=True)
    workers = {child.name.rpartition("-")[0]: child for child in children(plan) if child.name.endswith("-0")}
    assert set(workers) == set(WORKERS)
    for stage, child in workers.items():
        settings = load(child.environment)
        assert settings.kafka_security["ssl.certificate.location"].endswith(f"/keys/tls-stage-{stage}.pem")
        assert settings.kafka_admin_security is None
        assert "ssl." not in repr(child.environment)
        assert stat.S_IMODE(plan.security_file(stage).stat().st_mode) == 0o600


HANDED = {
    "verify": {"document_id", "document_key"},
    "verify-slow": {"document_id", "document_key"},
    "score": {"receipt_id", "receipt_key"},
    "record": {"column_id", "column_key"},
}
"""What each stage works with, written down once more: a row too many in the stack's table is a key too many."""


def test_each_worker_is_handed_the_keys_that_it_needs(plan_of) -> None:
    """Its directory has one part of the keys: no certificate's, no token's, no password, not the CA's. So has the gateway's."""
    plan = plan_of(secure=True)
    workers = {child.name.rpartition("-")[0]: child for child in children(plan) if child.name.endswith("-0")}
    for stage in WORKERS:
        directory = load(workers[stage].environment).keys
        held = {name for path in directory.iterdir() for name in json.loads(path.read_text())}
        assert held == HANDED[stage]
    assert {name for path in plan.gateway.installation["keys"].iterdir() for name in json.loads(path.read_text())} == (
        HANDED["verify"]
    )
    authority = plan.layout.keys / "tls-ca.pem"
    assert stat.S_IMODE(authority.stat().st_mode) == 0o600
    assert not any(str(authority) in repr((child.command, child.environment)) for child in children(plan))


def test_no_secret_stands_on_a_command_line(plan_of) -> None:
    """What `ps` shows of the stack's processes holds no key and no password."""
    plan = plan_of(secure=True)
    secrets = [plan.passwords.writer_password, plan.passwords.reader_password, "PRIVATE"]
    assert not any(secret in word for child in children(plan) for word in child.command for secret in secrets)


def test_the_operator_prepares_the_broker_by_a_certificate(plan_of) -> None:
    """Topics and rights are made as the operator, whose name no client of the token server can have."""
    here = operators_installation(plan_of(secure=True))
    assert here.security["ssl.key.location"].endswith("/keys/tls-platform-admin.pem")
    assert here.principal("admin") == "User:CN=platform-admin"
    assert here.principal("stage:score") == "User:CN=stage-score"
    assert here.principal("producer:bank-a") == "User:bank-a-producer"


def test_stack_json_tells_each_kind_how_to_prove_itself(plan_of) -> None:
    """Banks get their client's secret, the token server and the listener for tokens; the operator his certificate."""
    plan = plan_of(secure=True)
    described = up.describe(plan, NOBODY)
    issuer = plan.guard.issuer
    assert described["tls"] == {"ca": str(plan.layout.state / "tls" / "ca.pem")}
    assert described["auth"] == {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "clients": {
            role: {"client_id": client.client_id, "client_secret": client.client_secret}
            for role, client in plan.clients.items()
        },
    }
    assert set(described["kafka"]["security"]) == {"admin", "producer:bank-a", "consumer:bank-a"}
    assert described["kafka"]["security"]["producer:bank-a"] == {
        "bootstrap.servers": ADDRESSES.oauth,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": described["tls"]["ca"],
        "sasl.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "bank-a-producer",
        "sasl.oauthbearer.client.secret": plan.clients["producer:bank-a"].client_secret,
        "sasl.oauthbearer.token.endpoint.url": f"{issuer}/oauth/token",
        "https.ca.location": described["tls"]["ca"],
    }


def test_commands_submit_as_the_bank_and_ask_as_the_operator(plan_of) -> None:
    """What `submit` does for a bank it does with the bank's own rights, at the listener for tokens."""
    plan = plan_of(secure=True)
    write_stack(plan.layout, up.describe(plan, NOBODY))
    here = RunningStack.described(plan.layout, json.loads(plan.layout.stack_file.read_text()))
    assert here.producer_settings("bank-a")["bootstrap.servers"] == ADDRESSES.oauth
    assert here.producer_settings("bank-a")["sasl.oauthbearer.client.id"] == "bank-a-producer"
    assert here.admin_settings == {"bootstrap.servers": ADDRESSES.broker, **plan.guard.operator}


def test_without_security_nobody_proves_anything(plan_of) -> None:
    """The insecure stack has empty maps, no CA, no certificate, and one address for everybody."""
    plan = plan_of(secure=False)
    described = up.describe(plan, NOBODY)
    assert described["kafka"] == {"bootstrap": ADDRESSES.broker, "security": {}}
    assert not {"auth", "tls"} & set(described)
    assert list(plan.layout.tls.iterdir()) == []
    assert all(load(child.environment).kafka_security == {} for child in children(plan) if child.name.endswith("-0"))


def test_a_secured_state_is_a_state(plan_of) -> None:
    """Where a fresh stack is wanted, its certificates and public keys are taken away with the rest."""
    plan = plan_of(secure=True)
    plan.layout.lock.touch()
    clear(plan.layout.state)
    assert list(plan.layout.state.iterdir()) == [plan.layout.lock]
