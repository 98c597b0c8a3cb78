"""Settings of Kafka with which records are lost."""

import pytest

from loanstream.install import durability
from schemas.topics import DAY_MS, TOPICS

SOUND = {
    "replication factor": "3",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": "4194304",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "offsets.topic.replication.factor": "3",
    "offsets.retention.minutes": "5256000",
}
LOSING = {
    # what a Kafka has that loses records, each by a setting that a sound one has otherwise
    "replication factor": "2",
    "min.insync.replicas": "1",
    "unclean.leader.election.enable": "true",
    "cleanup.policy": "compact,delete",
    "retention.ms": "604800000",
    "retention.bytes": "1073741824",
    "max.message.bytes": "1048588",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.retention.minutes": "10080",
}


def _broken(found: dict[str, str]) -> list[str]:
    demands = (*durability.OF_TOPICS, *durability._of(TOPICS["applications"]), *durability.OF_BROKERS)
    return [row.setting for row in durability.broken(demands, found)]


def test_a_sound_kafka_breaks_nothing():
    """Three copies, two of them confirmed, kept for ever: there is nothing to say."""
    assert _broken(SOUND) == []


@pytest.mark.parametrize("setting", LOSING)
def test_each_setting_that_loses_records_is_named(setting):
    """A Kafka that is sound but for one setting is refused for that one."""
    assert _broken(SOUND | {setting: LOSING[setting]}) == [setting]


def test_every_demand_has_its_case():
    """A row of the table that no case breaks would be believed, not tested."""
    rows = (*durability.OF_TOPICS, *durability._of(TOPICS["control"]), *durability.OF_BROKERS)
    assert {row.setting for row in rows} == SOUND.keys() == LOSING.keys()


def test_what_is_kept_for_ever_may_not_have_an_end():
    """Activations are needed as long as a decision is: a topic of theirs with an end is refused, however late it is."""
    row = next(row for row in durability._of(TOPICS["control"]) if row.setting == "retention.ms")
    assert not row.holds(str(10**15))
    assert row.holds("-1")


def test_the_gateways_claims_are_compacted():
    """Where they are not, a gateway reads every claim there ever was at its start."""
    rows = tuple(durability._of(TOPICS["claims"]))
    assert [row.setting for row in durability.broken(rows, {"cleanup.policy": "delete"})] == ["cleanup.policy"]
    assert not [*durability.broken(rows, {"cleanup.policy": "compact,delete", "retention.ms": str(DAY_MS)})]


def test_one_fault_of_many_topics_is_one_line():
    """Forty lines that say the same hide the one that does not."""
    bad = {"min.insync.replicas": "1"}
    lines = durability.told([(f"topic {name}", durability.OF_TOPICS, bad) for name in ("a", "b", "c")])
    assert len(lines) == 1
    assert lines[0].startswith("topic a and 2 more have min.insync.replicas 1, expected 2 or more: ")
