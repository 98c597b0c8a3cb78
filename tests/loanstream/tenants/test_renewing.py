"""A bank's clients get new secrets: staged, and run again while that is under way it changes nothing."""

import pytest

from loanstream.stack.auth.clients import read_clients
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import add_client, ensure_clients
from loanstream.tenants.renewing import planned, renew
from schemas.problem import Problem


@pytest.fixture
def files(tmp_path):
    made = AuthFiles(tmp_path / "state")
    ensure_clients(made.state, ["bank-a", "bank-b"])
    return made


def lets_in(files, client_id, secret, now):
    """Whether a secret still lets its client in."""
    return any(each.matches(secret) and each.is_valid(now) for each in read_clients(files)[client_id].secrets)


def test_the_secrets_before_are_good_for_a_while_and_then_they_are_not(files):
    """All clients of the bank, none of another's."""
    before = ensure_clients(files.state, ["bank-a", "bank-b"])
    found = renew(files, "bank-a", 60.0, lambda: 1000.0)
    assert {each.client_id for each in found} == {"bank-a-producer", "bank-a-consumer", "bank-a-gateway-reviewer"}
    for each in found:
        old = next(secret for secret in before.values() if secret.client_id == each.client_id).client_secret
        assert each.is_new
        assert each.secret != old
        assert lets_in(files, each.client_id, each.secret, 2000.0)
        assert [lets_in(files, each.client_id, old, now) for now in (1059.0, 1061.0)] == [True, False]
    assert lets_in(files, "bank-b-producer", before["producer:bank-b"].client_secret, 2000.0)


def test_killed_half_way_it_goes_on_and_nobody_who_has_the_old_secret_is_shut_out(files):
    """Whose rotation is under way keeps the secret he was about to be told, and it is told again."""
    before = ensure_clients(files.state, ["bank-a"])["producer:bank-a"].client_secret
    first = renew(files, "bank-a", 60.0, lambda: 1000.0)
    again = renew(files, "bank-a", 60.0, lambda: 1001.0)
    assert [each.secret for each in again] == [each.secret for each in first]
    assert not [each for each in again if each.is_new]
    assert planned(files, "bank-a", 60.0, lambda: 1001.0) == []
    assert lets_in(files, "bank-a-producer", before, 1001.0)
    assert len(planned(files, "bank-a", 60.0, lambda: 1061.0)) == 3


def test_without_grace_all_secrets_end_at_once(files):
    """Somebody else knows one: also those of a rotation that is under way."""
    before = ensure_clients(files.state, ["bank-a"])["producer:bank-a"].client_secret
    middle = renew(files, "bank-a", 60.0, lambda: 1000.0)
    last = renew(files, "bank-a", 0.0, lambda: 1001.0)
    for each, was in zip(last, middle, strict=True):
        assert each.is_new
        assert not lets_in(files, each.client_id, was.secret, 1001.0)
    assert not lets_in(files, "bank-a-producer", before, 1001.0)


def test_a_client_that_was_added_by_hand_is_told_once(files):
    """The stack keeps no copy of its secret: run again it says that it was told before."""
    add_client(files, "producer", "bank-a", "bank-a-scans", ["documents:write"])
    first = {each.client_id: each.secret for each in renew(files, "bank-a", 60.0, lambda: 1000.0)}
    again = {each.client_id: each.secret for each in renew(files, "bank-a", 60.0, lambda: 1001.0)}
    assert first["bank-a-scans"]
    assert again["bank-a-scans"] is None


def test_a_bank_without_clients_is_told(files):
    """There is nothing that could be renewed."""
    with pytest.raises(Problem, match="no clients"):
        renew(files, "bank-x")
