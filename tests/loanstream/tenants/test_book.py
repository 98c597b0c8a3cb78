"""The list of banks: one file, replaced as a whole, followed by whoever asks."""

import json

import pytest

from loanstream.installation import Installation
from loanstream.settings import SettingProblem, environment_of, load
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import ensure_clients, rotate_secret
from loanstream.stack.following import Followed
from loanstream.stack.layout import Layout
from loanstream.stack.table import Plan
from loanstream.tenants.book import TenantBook
from schemas.problem import Problem
from stores.keys import KeyFiles


@pytest.fixture
def book(tmp_path):
    return TenantBook(tmp_path / "tenants.json")


def test_whoever_follows_the_list_sees_a_change_at_once(book):
    """Another process' change, too: the file is looked at each time that somebody asks."""
    followed = TenantBook(book.path)
    assert list(followed) == []
    book.note("bank-a", "served")
    assert "bank-a" in followed
    book.note("bank-b", "adding")
    assert (list(followed), len(followed)) == (["bank-a"], 1)
    book.note("bank-a", "removed")
    assert "bank-a" not in followed


def test_a_start_serves_those_it_names_and_finishes_what_is_half_added(book):
    """Without names it is those of before; one that is not named is away, and what was removed stays so."""
    book.serve(["bank-a", "bank-b"])
    book.note("bank-c", "adding")
    book.note("bank-d", "removed")
    assert book.to_serve() == ("bank-a", "bank-b", "bank-c")
    book.serve(["bank-a"])
    assert book.standings == {"bank-a": "served", "bank-b": "away", "bank-c": "away", "bank-d": "removed"}
    book.serve(["bank-a", "bank-d"])
    assert set(book) == {"bank-a", "bank-d"}


@pytest.mark.parametrize("text", ["", "[]", '{"tenants": {"bank-a": "here"}}', '{"tenants": {"../x": "served"}}'])
def test_a_file_that_holds_no_banks_is_refused_and_never_replaces_what_was_read(book, text):
    """The line says what is expected; who has read a good one goes on with it."""
    book.note("bank-a", "served")
    followed = TenantBook(book.path)
    assert "bank-a" in followed
    book.path.write_text(text)
    with pytest.raises(Problem, match="does not hold banks; expected"):
        _ = TenantBook(book.path).served
    assert "bank-a" in followed
    with pytest.raises(Problem, match="does not hold banks"):
        book.note("bank-b", "served")


def test_one_command_at_a_time_changes_it(book):
    """Two at once would each plan by what the other is about to change."""
    with book.alone(), pytest.raises(Problem, match="another `loanstream tenant`"), TenantBook(book.path).alone():
        pass
    with book.alone():
        pass


def test_settings_name_the_list_or_the_banks(tmp_path, book):
    """An installation follows the list; both at once are refused, and a list of nobody is told where one is needed."""
    here = Installation(load(environment_of({"tenants_file": book.path})))
    assert here.tenants == ()
    with pytest.raises(Problem, match="loanstream tenant add NAME"):
        here.tenant(None)
    book.note("bank-a", "served")
    assert (here.tenants, here.tenant(None)) == (("bank-a",), "bank-a")
    both = Installation(load(environment_of({"tenants_file": book.path, "tenants": ("bank-a",)})))
    with pytest.raises(SettingProblem, match="expected one of them"):
        _ = both.tenants


def test_what_the_stack_tells_follows_banks_and_secrets(tmp_path):
    """A bank that comes is told with its clients, a secret that was replaced with the new one, a bank that goes not at all."""
    layout = Layout(tmp_path / "state")
    layout.make()
    book = TenantBook(layout.tenants)
    book.serve(["bank-a"])
    clients = ensure_clients(layout.state, ["bank-a"])
    plan = Plan(
        layout,
        ("bank-a",),
        1,
        "127.0.0.1:1",
        (),
        KeyFiles(layout.keys).make_passwords(),
        {},
        auth=object(),
        clients=clients,
    )
    followed = Followed(layout, plan)
    assert not followed.changed()
    ensure_clients(layout.state, ["bank-a", "bank-c"])
    book.note("bank-c", "served")
    assert followed.changed()
    assert followed.plan.tenants == ("bank-a", "bank-c")
    assert "producer:bank-c" in followed.plan.clients
    assert not followed.changed()
    made = rotate_secret(AuthFiles(layout.state), "bank-c-producer")
    assert followed.changed()
    assert followed.plan.clients["producer:bank-c"] == made
    book.note("bank-c", "removed")
    assert followed.changed()
    assert list(followed.plan.clients) == list(clients)
    layout.tenants.write_text(json.dumps({"tenants": "?"}))
    assert not followed.changed()
    assert followed.plan.tenants == ("bank-a",)
