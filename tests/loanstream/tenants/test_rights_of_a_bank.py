"""A bank's share of the table of access: all of it when it comes, and no more than what finishes its work when it goes."""

from loanstream.install import grants
from loanstream.install.grants import Held, difference
from loanstream.installation import Installation
from loanstream.settings import environment_of, load
from loanstream.tenants import rights
from schemas.access import Grant, access


def installation(**values: object) -> Installation:
    return Installation(load(environment_of({"tenants": ("bank-a",)} | values)))


def table(here: Installation, *tenants: str, leaving: tuple[str, ...] = ()) -> set[Held]:
    found = access(tenants, leaving)
    return {Held(here.principal(kind), grant) for kind, each in found.items() for grant in each}


def test_what_is_granted_for_a_bank_is_what_the_whole_table_has_more_with_it() -> None:
    """So `install` finds nothing to do afterwards."""
    here = installation()
    found = table(here, "bank-a")
    assert set(rights.lacking(found, here, "bank-c")) == table(here, "bank-a", "bank-c") - found
    later = installation(tenants=("bank-a", "bank-c"))
    assert difference([*found, *rights.wanted(here, "bank-c")], later, ()) == grants.NONE


def test_what_a_removed_bank_leaves_is_what_the_table_has_for_one_that_is_leaving() -> None:
    """And with its topics gone, nothing."""
    here = installation()
    found = table(here, "bank-a", "bank-c")
    left = found - set(rights.open_doors(found, here, "bank-c"))
    assert left == table(here, "bank-a", leaving=("bank-c",))
    assert left - set(rights.finishing(left, here, "bank-c")) == table(here, "bank-a")


def test_whatever_lets_its_clients_in_goes() -> None:
    """Also what others granted them, for more names than its own; nothing of a neighbour's, and nothing of other things."""
    here = installation()
    wide = Held("User:bank-c-producer", Grant("topic", "loan.", "WRITE", prefixed=True))
    kept = [
        Held("User:bank-c-producer", Grant("topic", "payments.v1", "WRITE")),
        Held("User:bank-cc-producer", Grant("topic", "loan.applications.v1.bank-cc", "WRITE")),
        Held("User:auditor", Grant("topic", "loan.decisions.v1.bank-c", "READ")),
    ]
    assert rights.open_doors([wide, *kept], here, "bank-c") == [wide]


def test_names_of_your_own_are_cut_off_and_a_name_that_is_anothers_by_now_is_not() -> None:
    """A bank is who settings say it is; the table's own name for it may have been given to somebody else."""
    renamed = {"producer:bank-c": "User:core", "producer:bank-d": "User:bank-c-producer"}
    here = installation(kafka_principals=renamed)
    assert rights.principals(here, "bank-c") == {"User:core", "User:bank-c-consumer"}
