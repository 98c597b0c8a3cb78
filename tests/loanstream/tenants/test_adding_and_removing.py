"""Banks are added and removed by tables of steps, on a Kafka in memory: in order, again and again, killed anywhere."""

from dataclasses import replace

import pytest

from loanstream.stack.auth.clients import read_roll
from loanstream.tenants import removing
from loanstream.tenants.adding import ADDING
from loanstream.tenants.removing import DATA, REMOVING
from loanstream.tenants.standing import known, standing
from loanstream.tenants.work import plan, take
from schemas.problem import Problem

ALL_BUT_ROWS = frozenset(DATA) - {"warehouse"}


class Killed(Exception):
    """What a test raises where a process would be killed."""


def add(place, tenant="bank-c", **more):
    return list(take(ADDING, place.work(tenant, **more)))


def remove(place, tenant="bank-c", **more):
    return list(take(REMOVING, place.work(tenant, **more)))


def kill_at(place, number):
    """Raise at the broker's change of this number, counted from now; how many there were."""
    left = [number]

    def count(_what):
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    place.broker.before_change = count


def test_an_added_bank_is_complete_and_a_second_time_there_is_nothing_to_do(place):
    """Every step was taken, every stage reads it, and its plan is empty from then on."""
    assert add(place) == [step.name for step in ADDING]
    assert standing(place.work()).stands == "complete"
    assert not any(plan(ADDING, place.work()).values())
    assert add(place) == []
    assert place.installation.tenants == ("bank-a", "bank-c")


def test_a_plan_makes_nothing(place):
    """It names key, topics, positions, rights, clients, and that the stages are waited for."""
    before = place.state
    found = plan(ADDING, place.work())
    assert all(found.values())
    assert place.state == before


def test_outputs_come_before_inputs_positions_before_rights_and_writers_before_readers(place):
    """No application arrives where its decision has no place, and no stage sees a topic before it has a position."""
    place.broker.log.clear()
    add(place)
    log = place.broker.log
    created = [line.removeprefix("create ") for line in log if line.startswith("create ")]
    assert created[-2:] == ["loan.outcomes.v1.bank-c", "loan.applications.v1.bank-c"]
    kinds = [line.split()[0] for line in log]
    assert kinds == sorted(kinds, key=["create", "position", "grant"].index)
    operations = [line.split()[2] for line in log if line.startswith("grant ")]
    assert operations == sorted(operations, key=lambda operation: operation == "READ")


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "open"])
def test_adding_that_is_killed_anywhere_ends_as_one_that_was_not(make_place, guarded):
    """Before each single change at the broker, and after each step: run again it comes to the same, and no stage stops."""
    whole = make_place("whole", guarded=guarded)
    whole.broker.log.clear()
    add(whole)
    for number in range(len(whole.broker.log)):
        place = make_place(f"killed-{number}", guarded=guarded)
        kill_at(place, number)
        with pytest.raises(Killed):
            add(place)
        assert standing(place.work()).stands == "half added"
        assert standing(place.work()).missing
        assert "bank-c" not in place.installation.tenants
        if guarded:
            place.broker.look()
        place.broker.before_change = lambda _: None
        add(place)
        assert place.state == whole.state


@pytest.mark.parametrize("last", [step.name for step in ADDING])
def test_adding_that_ends_after_a_step_is_gone_on_with(make_place, last):
    """What was done is left as it is, the key file above all."""
    whole, place = make_place("whole"), make_place("killed")
    add(whole)
    for name in take(ADDING, place.work()):
        if name == last:
            break
    keys = {path.name: path.read_bytes() for path in (place.root / "keys").glob("tenant-*")}
    add(place)
    assert place.state == whole.state
    assert keys.items() <= {path.name: path.read_bytes() for path in (place.root / "keys").glob("tenant-*")}.items()


@pytest.mark.parametrize("delete", [frozenset(), ALL_BUT_ROWS], ids=["data kept", "data deleted"])
def test_removing_that_is_killed_anywhere_ends_as_one_that_was_not(make_place, delete):
    """Before each single change at the broker: run again it comes to the same."""
    whole = make_place("whole")
    add(whole)
    whole.broker.log.clear()
    remove(whole, delete=delete)
    for number in range(len(whole.broker.log)):
        place = make_place(f"killed-{number}")
        add(place)
        kill_at(place, number)
        with pytest.raises(Killed):
            remove(place, delete=delete)
        assert "bank-c" not in place.installation.tenants
        place.broker.before_change = lambda _: None
        remove(place, delete=delete)
        assert place.state == whole.state


def test_a_removed_bank_is_cut_off_and_everything_of_it_is_kept(place):
    """No right, no client, no place in the list; topics, documents and keys stay, and the stages finish what it sent."""
    add(place)
    place.installation.blobs.put(f"bank-c/{'0' * 64}", b"sealed")
    place.rows["bank-c"] = 3
    topics, read = dict(place.broker.partitions), set(place.broker.read)
    remove(place)
    assert not [held for held in place.broker.rights if held.principal.startswith("User:bank-c")]
    assert read_roll(place.auth).served == ("bank-a",)
    assert not [client for client in read_roll(place.auth).clients.values() if client.tenant == "bank-c"]
    assert (place.broker.partitions, place.broker.read) == (topics, read)
    found = standing(place.work())
    assert (found.stands, found.kept) == ("removed", ["topics", "documents", "warehouse", "keys"])
    assert remove(place) == []


def test_other_banks_keep_what_they_have(place):
    """Adding and removing one touches no right, client, topic or key of another, nor of a bank whose name begins alike."""
    add(place, "bank-cc")
    mine = place.state
    rights = set(place.broker.rights)
    add(place)
    remove(place, delete=ALL_BUT_ROWS)
    after = place.state
    assert place.broker.rights == rights
    assert after["keys"] == mine["keys"]
    assert after["clients"] == mine["clients"]
    assert place.installation.tenants == ("bank-a", "bank-cc")


def test_a_bank_that_was_removed_comes_back_with_its_keys_and_new_secrets(place):
    """What was kept is used again; who had its old secrets has nothing."""
    add(place)
    key = place.keys.tenant("bank-c")
    before = read_roll(place.auth).clients["bank-c-producer"].secrets
    remove(place)
    add(place)
    assert place.keys.tenant("bank-c") == key
    assert read_roll(place.auth).clients["bank-c-producer"].secrets != before
    assert standing(place.work()).stands == "complete"


def test_data_go_only_where_they_are_named_and_inputs_first(place):
    """Topics, documents and keys; the name is never given again, since offsets would begin anew under it."""
    add(place)
    place.installation.blobs.put(f"bank-c/{'0' * 64}", b"sealed")
    place.broker.log.clear()
    remove(place, delete=ALL_BUT_ROWS)
    deleted = [line for line in place.broker.log if line.startswith("delete ")]
    assert set(deleted[:2]) == {"delete loan.outcomes.v1.bank-c", "delete loan.applications.v1.bank-c"}
    found = standing(place.work())
    assert (found.stands, found.kept) == ("removed with its topics", [])
    assert not [held for held in place.broker.rights if "bank-c" in str(held)]
    with pytest.raises(Problem, match="expected another name"):
        add(place)
    with pytest.raises(Problem, match="never given again"):
        place.book.serve(["bank-a", "bank-c"])


def test_topics_are_deleted_once_everything_is_decided_and_recorded(place):
    """What the bank sent before it was cut off is waited for; the bank is cut off meanwhile."""
    add(place)
    place.broker.records.add(("score", "loan.verifications.v1.bank-c"))
    with pytest.raises(Problem, match="wait for score"):
        remove(place, delete=frozenset({"topics"}), within_s=0.0)
    assert "bank-c" not in place.installation.tenants
    assert not [held for held in place.broker.rights if held.principal.startswith("User:bank-c")]
    assert "loan.applications.v1.bank-c" in place.broker.partitions
    place.broker.records.clear()
    remove(place, delete=frozenset({"topics"}))
    assert "loan.applications.v1.bank-c" not in place.broker.partitions


@pytest.mark.parametrize(("kinds", "told"), [({"keys"}, "topics with keys"), ({"letters"}, "some of topics,")])
def test_what_cannot_be_deleted_alone_is_refused(kinds, told):
    """Keys and rows are used while there are topics; an unknown kind is told with those that there are."""
    with pytest.raises(Problem, match=told):
        removing.check(frozenset(kinds))


def test_a_lost_key_is_not_made_anew(place):
    """Where the warehouse holds a bank's records another key would open and prove none of them."""
    place.rows["bank-c"] = 1
    with pytest.raises(Problem, match=r"tenant-bank-c\.json is lost"):
        plan(ADDING, place.work())


def test_stages_that_do_not_come_are_told(place):
    """Adding waits for as long as it is told to, names who does not read, and goes on when it is run again."""
    with pytest.raises(Problem, match="is not read by verify; run it again"):
        add(place, sleep=lambda _: None, within_s=0.0)
    assert standing(place.work()).missing == ["read"]
    place.broker.look()
    assert standing(place.work()).stands == "complete"


def test_every_bank_is_listed_whoever_knows_of_it(place):
    """By the list, by its topics, by a key file, by a client."""
    add(place)
    place.keys.make_tenant("bank-k")
    place.broker.partitions["loan.applications.v1.bank-t"] = 4
    assert known(place.work()) == ["bank-a", "bank-c", "bank-k", "bank-t"]
    assert standing(place.work("bank-k")).stands == "not added"


def test_where_settings_have_the_names_they_have_to_name_the_bank(place):
    """Without a list of ours nothing could tell the running processes: the line says what to set."""
    bare = place.installation.settings.model_copy(update={"tenants_file": None, "tenants": ("bank-a",)})
    work = place.work(book=None, installation=type(place.installation)(bare))
    with pytest.raises(Problem, match="LOANSTREAM_TENANTS_FILE"):
        plan(ADDING, work)


def test_a_bank_is_cut_off_though_the_warehouse_is_away(place):
    """Nothing but Kafka is asked for that; of what cannot be seen the list says so."""
    add(place)

    def away():
        raise Problem("the warehouse does not answer")

    work = place.work(recorded=away)
    assert list(take(REMOVING, work)) == ["gateway", "clients", "rights"]
    assert standing(work).kept == ["topics", "warehouse (not to be seen now)", "keys"]


def test_without_a_list_topics_stay(place):
    """Nobody would remember that the name is never given again; the bank is cut off at the broker all the same."""
    add(place)
    bare = place.installation.settings.model_copy(update={"tenants_file": None, "tenants": ("bank-a", "bank-c")})
    work = place.work(book=None, installation=type(place.installation)(bare))
    with pytest.raises(Problem, match="expected LOANSTREAM_TENANTS_FILE"):
        plan(REMOVING, replace(work, delete=frozenset({"topics"})))
    assert list(take(REMOVING, work)) == ["clients", "rights"]
    assert not [held for held in place.broker.rights if held.principal.startswith("User:bank-c")]
