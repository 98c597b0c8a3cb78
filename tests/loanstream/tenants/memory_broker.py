"""The twin of Kafka for the verbs for banks: topics, positions, rights and readers in memory."""

from collections.abc import Callable, Mapping, Sequence

from loanstream.install.grants import Held
from schemas.stages import STAGES
from schemas.topics import TOPICS


class MemoryBroker:
    """Workers of it read what they may see from the moment that `look` is called, as real ones do within seconds.

    `before_change` is called before each single change: a test may raise there. `log` names the changes in order.
    """

    def __init__(self, guarded: bool = True) -> None:
        self.partitions: dict[str, int] = {}
        self.positions: set[tuple[str, str]] = set()
        self.rights: set[Held] | None = set() if guarded else None
        self.read: set[tuple[str, str]] = set()
        self.records: set[tuple[str, str]] = set()
        self.log: list[str] = []
        self.before_change: Callable[[str], None] = lambda _: None

    def change(self, what: str) -> None:
        self.before_change(what)
        self.log.append(what)

    @property
    def state(self) -> object:
        """All that is kept."""
        return self.partitions, self.positions, self.rights, self.read, self.records

    def topics(self) -> Mapping[str, int]:
        return dict(self.partitions)

    def missing(self, tenant: str) -> list[str]:
        absent = [f"topic {name}" for name in names(tenant) if name not in self.partitions]
        return absent + [f"first offsets of {stage} on {name}" for stage, name in self.lacking(tenant)]

    def create(self, tenant: str) -> None:
        for name in names(tenant):
            if name not in self.partitions:
                self.change(f"create {name}")
                self.partitions[name] = 4

    def commit_first_positions(self, tenant: str) -> None:
        for place in self.lacking(tenant):
            self.change(f"position {place}")
            self.positions.add(place)

    def delete(self, wanted: Sequence[str]) -> None:
        for name in wanted:
            if name in self.partitions:
                self.change(f"delete {name}")
                del self.partitions[name]
                self.positions = {place for place in self.positions if place[1] != name}
                self.read = {place for place in self.read if place[1] != name}

    def held(self) -> list[Held] | None:
        return None if self.rights is None else sorted(self.rights)

    def grant(self, lacking: Sequence[Held]) -> None:
        assert self.rights is not None
        for held in lacking:
            self.change(f"grant {held}")
            self.rights.add(held)

    def take_away(self, stale: Sequence[Held]) -> None:
        assert self.rights is not None
        for held in stale:
            self.change(f"take away {held}")
            self.rights.remove(held)

    def unread(self, tenant: str) -> list[str]:
        places = [place for place in places_of(tenant) if place[1] in self.partitions]
        return [f"{name} is not read by {stage}" for stage, name in places if (stage, name) not in self.read]

    def waiting(self, tenant: str) -> list[str]:
        return [f"records of {name} wait for {stage}" for stage, name in sorted(self.records) if name in names(tenant)]

    def lacking(self, tenant: str) -> list[tuple[str, str]]:
        places = [place for place in places_of(tenant) if place[1] in self.partitions]
        return [place for place in places if place not in self.positions]

    def look(self) -> None:
        """The workers look for topics: one that they see without a position would end them."""
        for stage in STAGES.values():
            for name in self.partitions:
                row = next(row for row in TOPICS.values() if row.per_tenant and row.tenant_of(name))
                if row.key in stage.reads and self.may_read(stage.name, name):
                    assert (stage.name, name) in self.positions, f"{stage.name} would stop at {name}"
                    self.read.add((stage.name, name))

    def may_read(self, stage: str, name: str) -> bool:
        if self.rights is None:
            return True
        return any(
            held.principal.endswith(f"stage-{stage}") and (held.grant.name, held.grant.operation) == (name, "READ")
            for held in self.rights
        )


def names(tenant: str) -> list[str]:
    """A bank's topics in the order of creation."""
    rows = sorted((row for row in TOPICS.values() if row.per_tenant), key=lambda row: row.input)
    return [row.name(tenant) for row in rows]


def places_of(tenant: str) -> list[tuple[str, str]]:
    """Each stage with each of the bank's topics that it reads."""
    return [
        (stage.name, TOPICS[key].name(tenant))
        for stage in STAGES.values()
        for key in stage.reads
        if TOPICS[key].per_tenant
    ]
