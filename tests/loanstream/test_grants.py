"""The broker's ACLs against the table of access, without a broker."""

import pytest

from loanstream.install import grants
from loanstream.install.grants import Held, difference
from loanstream.installation import Installation
from loanstream.settings import environment_of, load
from schemas.access import Grant, access

BANKS = ("bank-a", "bank-b")


def installation(**values: object) -> Installation:
    return Installation(load(environment_of({"tenants": BANKS} | values)))


def wanted(here: Installation) -> set[Held]:
    return {Held(here.principal(kind), grant) for kind, grants in access(here.tenants).items() for grant in grants}


def test_a_new_broker_is_granted_the_whole_table_once() -> None:
    """Whatever a kind may do is granted to its principal, and a second look finds nothing to do."""
    here = installation()
    lacking = difference([], here, ()).lacking
    assert set(lacking) == wanted(here)
    assert len(lacking) == len(set(lacking))
    assert difference(lacking, here, ()) == grants.NONE


def test_only_what_lacks_is_granted() -> None:
    """What is there already is left as it is."""
    here = installation()
    some = sorted(wanted(here))[::2]
    assert set(difference(some, here, ()).lacking) == wanted(here) - set(some)


def test_names_of_your_own_are_granted_in_place_of_the_tables() -> None:
    """Who has another name at a broker of yours is granted his kind's rights under it; two kinds may share one."""
    shared = "User:workers"
    here = installation(
        kafka_principals={"stage:score": shared, "stage:verify": shared, "producer:bank-a": "User:core"}
    )
    principals = {held.principal for held in difference([], here, ()).lacking}
    assert {shared, "User:core", "User:bank-b-producer", "User:stage-record"} <= principals
    assert not {"User:stage-score", "User:stage-verify", "User:bank-a-producer"} & principals


@pytest.mark.parametrize(
    ("principal", "grant", "stale"),
    [
        ("User:bank-old-producer", Grant("topic", "loan.applications.v1.bank-old", "WRITE"), True),
        ("User:bank-old-consumer", Grant("group", "bank-old.", "READ", prefixed=True), True),
        ("User:bank-a-producer", Grant("topic", "loan.decisions.v1.bank-a", "READ"), True),
        ("User:stage-score", Grant("topic", "loan.applications.v1.bank-a", "READ"), True),
        ("User:bank-a-producer", Grant("topic", "loan.applications.v1.", "WRITE", prefixed=True), True),
        ("User:bank-a-consumer", Grant("topic", "*", "READ"), True),
        ("User:bank-a-consumer", Grant("topic", "lo", "READ", prefixed=True), True),
        ("User:bank-a-consumer", Grant("group", "*", "READ"), True),
        ("User:bank-a-consumer", Grant("group", "bank-b.core", "READ"), True),
        ("User:bank-a-consumer", Grant("group", "bank-", "READ", prefixed=True), True),
        ("User:bank-a-consumer", Grant("group", "bank-a.core", "READ"), False),  # which its row holds
        ("User:bank-a-producer", Grant("cluster", "kafka-cluster", "ALTER"), True),
        ("User:stage-score", Grant("topic", "payments.v1", "READ"), False),  # another application's topic
        ("User:auditor", Grant("topic", "loan.decisions.v1.bank-a", "READ"), False),  # whom a person let in
        ("User:bank-old-producer", Grant("topic", "payments.v1", "WRITE"), False),
        ("User:platform-admin", Grant("cluster", "kafka-cluster", "CREATE"), False),  # not by us, and he may need it
    ],
)
def test_what_the_table_has_no_more_is_taken_away_and_nothing_else(
    principal: str, grant: Grant, *, stale: bool
) -> None:
    """Rights of a bank that left, and more than the table's of whom it names; never another's, nor for other things."""
    here = installation()
    found = [*wanted(here), Held(principal, grant)]
    assert difference(found, here, ()).stale == ((Held(principal, grant),) if stale else ())


def test_who_got_another_name_leaves_no_rights_under_the_tables() -> None:
    """Once a bank's client has a name of its own, whoever is called what the table calls it may do nothing more."""
    before, here = installation(), installation(kafka_principals={"producer:bank-a": "User:core"})
    taken = difference([*wanted(before), *wanted(here)], here, ())
    assert taken.lacking == ()
    assert taken.stale
    assert {held.principal for held in taken.stale} == {"User:bank-a-producer"}


def test_whom_the_table_does_not_name_is_told_and_left_alone() -> None:
    """A person may have let him in, or forgotten a name of before: what he may do with ours is seen."""
    here = installation()
    strangers = [
        Held("User:auditor", Grant("topic", "*", "READ")),
        Held("User:core-of-before", Grant("topic", "loan.applications.v1.bank-a", "WRITE")),
    ]
    elsewhere = Held("User:auditor", Grant("topic", "payments.v1", "READ"))
    found = difference([*wanted(here), *strangers, elsewhere], here, ())
    assert found.lines == []
    assert found.told == [
        "not of the table: User:auditor READ topic *",
        "not of the table: User:core-of-before WRITE topic loan.applications.v1.bank-a",
    ]


def test_stages_keep_their_rights_on_topics_of_a_bank_that_left() -> None:
    """While its topics are there what it had sent is decided; the bank itself may do nothing any more, nor the gateway for it."""
    before, here = installation(tenants=("bank-a", "bank-b", "bank-old")), installation()
    taken = difference(wanted(before), here, ("bank-old",))
    assert taken.lacking == ()
    assert {held.principal for held in taken.stale} == {
        "User:bank-old-producer",
        "User:bank-old-consumer",
        "User:gateway",
    }


def test_a_change_is_told_a_line_each() -> None:
    """A person reads who would get what, and whose right would go."""
    one = Held("User:bank-a-consumer", Grant("group", "bank-a.", "READ", prefixed=True))
    other = Held("User:bank-old-producer", Grant("topic", "loan.applications.v1.bank-old", "WRITE"))
    assert grants.Change((one,), (other,)).lines == [
        "grant User:bank-a-consumer READ group bank-a.…",
        "take away User:bank-old-producer WRITE topic loan.applications.v1.bank-old",
    ]
