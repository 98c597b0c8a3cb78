"""Who may do what at the broker, as a table."""

import pytest

from schemas.access import ADMIN, SEPARATOR, Grant, access, is_ours, principal_of, tenant_in
from schemas.stages import STAGES
from schemas.topics import TOPICS

BANKS = ("bank-a", "bank-ab", "verify")
TABLE = access(BANKS)


def holds(grants: tuple[Grant, ...], resource: str, name: str, operation: str) -> bool:
    """What an authorizer would say."""
    return any(
        (found.resource, found.operation) == (resource, operation)
        and (name.startswith(found.name) if found.prefixed else name == found.name)
        for found in grants
    )


def topics_with(kind: str, operation: str) -> set[str]:
    names = {topic.name(bank) if topic.per_tenant else topic.name() for topic in TOPICS.values() for bank in BANKS}
    return {name for name in names if holds(TABLE[kind], "topic", name, operation)}


@pytest.mark.parametrize("bank", BANKS)
def test_a_bank_reaches_its_own_topics_alone(bank: str) -> None:
    """A producer writes its applications and outcomes, a consumer reads what is written for the bank: nothing else."""
    sent = {f"loan.applications.v1.{bank}", f"loan.outcomes.v1.{bank}"}
    assert topics_with(f"producer:{bank}", "WRITE") == sent
    assert topics_with(f"producer:{bank}", "READ") == set()
    told = topics_with(f"consumer:{bank}", "READ")
    assert {f"loan.decisions.v1.{bank}", f"loan.outcomes.v1.{bank}"} <= told
    assert all(name.endswith(f".{bank}") for name in told)
    assert not {f"loan.verifications.v1.{bank}", f"loan.applications.v1.{bank}"} & told
    assert topics_with(f"consumer:{bank}", "WRITE") == set()


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_stage_does_what_the_table_of_stages_says(stage) -> None:
    """A stage's workers read and write the topics of its row, of every bank, and no others of the flow."""
    kind = f"stage:{stage.name}"
    named = {
        key: {topic.name(bank) if topic.per_tenant else topic.name() for bank in BANKS} for key, topic in TOPICS.items()
    }
    assert topics_with(kind, "READ") == set().union(*(named[key] for key in (*stage.reads, *stage.consults)))
    assert topics_with(kind, "WRITE") == set().union(*(named[key] for key in stage.writes))


def test_no_stage_can_take_the_place_of_another() -> None:
    """A worker's group and transactional ids are its stage's alone, also where one stage's name begins another's."""
    for stage in STAGES.values():
        slots = [f"{stage.group}-{slot}" for slot in (0, 7, 31, 999)]
        for kind, grants in TABLE.items():
            mine = kind == f"stage:{stage.name}"
            assert all(holds(grants, "transactional id", slot, "WRITE") == mine for slot in slots), kind
            assert holds(grants, "group", stage.group, "READ") == (mine or kind == ADMIN), kind


def test_a_bank_whose_name_begins_anothers_has_nothing_of_it() -> None:
    """`bank-a` can take neither a group nor a transactional id of `bank-ab`, nor a stage's, whatever its own name is."""
    assert holds(TABLE["consumer:bank-a"], "group", "bank-a.sink", "READ")
    assert not holds(TABLE["consumer:bank-a"], "group", "bank-ab.sink", "READ")
    assert not holds(TABLE["producer:bank-a"], "transactional id", "bank-ab.1", "WRITE")
    assert not holds(TABLE["consumer:verify"], "group", "verify", "READ")
    assert not holds(TABLE["producer:verify"], "transactional id", "verify-0", "WRITE")


def test_a_grant_for_many_names_ends_where_no_name_goes_on() -> None:
    """Each prefix ends in a separator, or in the digit of a slot that follows one."""
    prefixes = [grant.name for grants in TABLE.values() for grant in grants if grant.prefixed]
    assert all(name.endswith((SEPARATOR, "-")) or (name[-2:-1] == "-" and name[-1].isdigit()) for name in prefixes)


def test_a_bank_that_leaves_loses_its_rights_and_is_worked_for_to_the_end() -> None:
    """Of a bank no longer served nobody may write or read a topic, but the stages finish what it sent."""
    table = access(["bank-a"], leaving=["bank-old"])
    assert not any("bank-old" in kind for kind in table)
    assert holds(table["stage:score"], "topic", "loan.verifications.v1.bank-old", "READ")


def test_principals_are_told_apart() -> None:
    """No two kinds have one name at the broker."""
    assert len({principal_of(kind) for kind in TABLE}) == len(TABLE)


def test_what_others_have_at_the_broker_is_not_ours() -> None:
    """Grants on topics and groups that are no loanstream's are nobody's business here."""
    assert all(is_ours(grant, TABLE) or grant.resource == "cluster" for grants in TABLE.values() for grant in grants)
    for name in ("payments.v1", "loanstream", "loan.applications.v2.bank-a"):
        assert not is_ours(Grant("topic", name, "READ"), TABLE)
    assert not is_ours(Grant("group", "payments", "READ"), TABLE)
    assert tenant_in(Grant("topic", "loan.applications.v1.bank-old.dlq", "READ")) == "bank-old"
    assert tenant_in(Grant("group", "bank-old.", "READ", prefixed=True)) == "bank-old"
