"""Clients come and go; their secrets are told once, and nobody reads them out of the file of clients."""

import dataclasses
import json
import stat

import pytest

from loanstream.stack.auth import clients as clients_module
from loanstream.stack.auth.clients import change_clients, read_clients
from loanstream.stack.auth.hashes import SecretHash, hash_of, new_secret
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import add_client, ensure_clients, remove_client, rotate_secret
from loanstream.stack.auth.scopes import KINDS, SCOPES
from schemas.problem import Problem


@pytest.fixture
def files(tmp_path):
    return AuthFiles(tmp_path / "state")


def lets_in(files, secret, now=0.0):
    """Whether a secret is one of its client's."""
    client = read_clients(files)[secret.client_id]
    return any(each.matches(secret.client_secret) for each in client.secrets if each.is_valid(now))


def test_the_embedded_stack_has_a_client_of_each_kind_for_each_bank(files):
    """Their names and secrets are the same at every start: users of stack.json keep theirs."""
    made = ensure_clients(files.state, ["bank-a", "bank-b"])
    assert set(made) == {f"{kind}:{bank}" for kind in KINDS for bank in ("bank-a", "bank-b")}
    assert made["producer:bank-a"].client_id == "bank-a-producer"
    assert len({each.client_secret for each in made.values()}) == len(made)
    assert all(lets_in(files, each) for each in made.values())
    held = files.clients.read_bytes()
    assert ensure_clients(files.state, ["bank-a", "bank-b"]) == made
    assert files.clients.read_bytes() == held
    more = ensure_clients(files.state, ["bank-a", "bank-c"])
    assert more["producer:bank-a"] == made["producer:bank-a"]
    assert lets_in(files, made["producer:bank-b"])


def test_a_client_has_the_scopes_and_the_audiences_of_its_kind(files):
    """Who sends applications reads no decisions, and who reviews is nobody at the broker."""
    ensure_clients(files.state, ["bank-a"])
    found = read_clients(files)
    assert "decisions:read" not in found["bank-a-producer"].scopes
    assert found["bank-a-gateway-reviewer"].audiences == ("loanstream-gateway",)
    writes = {f"{what}:write" for what in ("applications", "documents", "outcomes", "reviews")}
    assert set(SCOPES) == {*writes, "decisions:read", "reviews:read", "score:run"}


@pytest.mark.parametrize("lost", ["clients", "secrets"])
def test_a_lost_file_is_made_to_fit_the_other(files, lost):
    """Of the hashes from the secrets; of the secrets anew, and those before let in for a day more."""
    made = ensure_clients(files.state, ["bank-a"])
    getattr(files, lost).unlink()
    again = ensure_clients(files.state, ["bank-a"], now=lambda: 1000.0)
    assert all(lets_in(files, each, now=1000.0) for each in again.values())
    assert (again == made) is (lost == "clients")
    assert all(lets_in(files, each, now=1000.0) for each in made.values())


def test_a_new_secret_and_the_one_before_both_let_in_for_a_while(files):
    """A bank takes over the new one while the old one still works; of a third one the first is over."""
    first = add_client(files, "producer", "bank-a")
    second = rotate_secret(files, first.client_id, grace_s=60, now=lambda: 100.0)
    assert lets_in(files, first, now=159.0)
    assert not lets_in(files, first, now=160.0)
    assert lets_in(files, second, now=1e12)
    third = rotate_secret(files, first.client_id, grace_s=60, now=lambda: 110.0)
    assert [lets_in(files, each, now=120.0) for each in (first, second, third)] == [False, True, True]


def test_a_new_secret_of_an_embedded_client_is_the_stacks_own(files):
    """The next start tells the new one, and does not bring the old one back."""
    made = ensure_clients(files.state, ["bank-a"])["consumer:bank-a"]
    new = rotate_secret(files, made.client_id, grace_s=0, now=lambda: 100.0)
    assert ensure_clients(files.state, ["bank-a"])["consumer:bank-a"] == new
    assert not lets_in(files, made, now=100.0)


def test_a_change_of_a_secret_that_is_killed_half_way_locks_nobody_out(files, monkeypatch):
    """Between the two files the old secret still lets in, and the next start puts them right."""
    made = ensure_clients(files.state, ["bank-a"])["producer:bank-a"]
    real = clients_module.write_private

    def killed(path, data):
        if path == files.secrets:
            raise KeyboardInterrupt
        real(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(clients_module, "write_private", killed)
        with pytest.raises(KeyboardInterrupt):
            rotate_secret(files, made.client_id)
    assert lets_in(files, made)
    assert ensure_clients(files.state, ["bank-a"])["producer:bank-a"] == made
    assert lets_in(files, made, now=1e12)


def test_who_is_removed_is_nobody(files):
    """Neither file holds anything of it."""
    ensure_clients(files.state, ["bank-a"])
    remove_client(files, "bank-a-producer")
    assert "bank-a-producer" not in read_clients(files)
    assert "bank-a-producer" not in json.loads(files.secrets.read_text())
    with pytest.raises(Problem, match="expected one of: bank-a-consumer, bank-a-gateway-reviewer"):
        remove_client(files, "bank-a-producer")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kind": "admin", "tenant": "bank-a"}, "--kind"),
        ({"kind": "producer", "tenant": "Bank A"}, "--tenant"),
        ({"kind": "producer", "tenant": "bank-a", "client_id": "User:admin"}, "--id"),
        ({"kind": "producer", "tenant": "bank-a", "scopes": ["reviews:write"]}, "--scope"),
        ({"kind": "producer", "tenant": "bank-a", "client_id": "taken"}, "taken already"),
    ],
)
def test_a_client_that_cannot_be_is_one_line(files, given, named):
    """The line names what is wrong and what is expected; nothing is written."""
    add_client(files, "consumer", "bank-b", "taken")
    held = files.clients.read_bytes()
    with pytest.raises(Problem, match=named):
        add_client(files, **given)
    assert files.clients.read_bytes() == held


def test_a_client_may_have_less_than_its_kind(files):
    """A system that only sends documents needs no more."""
    add_client(files, "producer", "bank-a", "scans", ["documents:write"])
    assert read_clients(files)["scans"].scopes == ("documents:write",)


def test_a_client_that_was_narrowed_stays_narrow(files):
    """Whoever takes a stack's client away and adds it with fewer scopes finds at the next start what he left: its scopes,
    its secret for good, and none that somebody else has; in `stack.json` it is not."""
    wide = ensure_clients(files.state, ["bank-a"])["producer:bank-a"]
    remove_client(files, wide.client_id)
    narrow = add_client(files, "producer", "bank-a", scopes=["documents:write"])
    for _ in range(2):
        roles = ensure_clients(files.state, ["bank-a"], now=lambda: 1000.0)
        assert set(roles) == {"consumer:bank-a", "gateway-reviewer:bank-a"}
        found = read_clients(files)[narrow.client_id]
        assert found.scopes == ("documents:write",)
        assert lets_in(files, narrow, now=1e12)
        assert len(found.secrets) == 1
        assert narrow.client_id not in json.loads(files.secrets.read_text())
    remove_client(files, narrow.client_id)
    again = ensure_clients(files.state, ["bank-a"])["producer:bank-a"]
    assert read_clients(files)[narrow.client_id].scopes == KINDS["producer"].scopes
    assert lets_in(files, again)
    assert not lets_in(files, narrow)


def test_who_has_all_scopes_has_what_the_kind_gains(files, monkeypatch):
    """A new release's scope comes to clients of the kind, and to none whose scopes were named."""
    ensure_clients(files.state, ["bank-a"])
    add_client(files, "producer", "bank-a", "scans", ["documents:write"])
    row = KINDS["producer"]
    monkeypatch.setitem(KINDS, "producer", dataclasses.replace(row, scopes=(*row.scopes, "more:write")))
    found = read_clients(files)
    assert "more:write" in found["bank-a-producer"].scopes
    assert found["scans"].scopes == ("documents:write",)


def test_a_banks_name_that_is_none_makes_no_client(files):
    """Nothing is written for it."""
    with pytest.raises(Problem, match="--tenant"):
        ensure_clients(files.state, ["bank-a", "Bank"])
    assert not files.secrets.exists()


def test_another_clients_name_is_not_taken_over(files):
    """A client that somebody added under the name of an embedded one stays what it is, and the start says so."""
    add_client(files, "consumer", "bank-b", "bank-a-producer")
    with pytest.raises(Problem, match="bank-a-producer is not the producer of bank-a"):
        ensure_clients(files.state, ["bank-a"])


def test_the_files_are_for_their_owner_and_only_one_holds_secrets(files):
    """Who reads the clients' file learns no secret from it, nor does a log."""
    made = ensure_clients(files.state, ["bank-a"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (files.clients, files.secrets)} == {0o600}
    text = files.clients.read_text() + repr(read_clients(files)) + repr(made)
    text += repr(change_clients(files, lambda books: books))
    assert not any(each.client_secret in text for each in made.values())
    salts = {each.salt for client in read_clients(files).values() for each in client.secrets}
    assert len(salts) == len(made)


def test_what_was_open_to_others_is_closed(files):
    """A directory of keys and a lock that others could open, made by a copy or another umask, are for their owner."""
    files.secrets.parent.mkdir(parents=True)
    files.lock.parent.mkdir()
    files.lock.touch()
    for path, mode in ((files.secrets.parent, 0o755), (files.lock, 0o666)):
        path.chmod(mode)
    ensure_clients(files.state, ["bank-a"])
    assert [stat.S_IMODE(path.stat().st_mode) for path in (files.secrets.parent, files.lock)] == [0o700, 0o600]


def test_a_new_lock_is_for_its_owner(files):
    """Who could open it could hold it, and no key would rotate."""
    ensure_clients(files.state, ["bank-a"])
    assert stat.S_IMODE(files.lock.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["clients", "secrets"])
@pytest.mark.parametrize("text", ["", "[]", '{"clients": {"a": {}}}', '{"clients": ["SECRET"]}'])
def test_a_damaged_file_is_one_line_that_shows_nothing_of_it(files, name, text):
    """The line names the file."""
    ensure_clients(files.state, ["bank-a"])
    path = getattr(files, name)
    if name == "secrets" and text.startswith("{"):
        text = "SECRET"
    path.write_text(text)
    with pytest.raises(Problem, match=str(path)) as told:
        ensure_clients(files.state, ["bank-a"])
    assert "SECRET" not in str(told.value)


def test_a_hash_knows_its_secret_and_no_other():
    """Written and read again; of another salt it is another hash."""
    secret = new_secret()
    kept = SecretHash.of_json(json.loads(json.dumps(hash_of(secret).as_json())))
    assert kept.matches(secret)
    assert not kept.matches(secret[:-1])
    assert not kept.matches("\udc80 not a text")
    other = SecretHash.of_json({**hash_of(secret).as_json(), "salt": "00" * 16})
    assert not other.matches(secret)
