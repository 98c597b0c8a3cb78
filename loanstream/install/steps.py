"""What makes an installation ready, as a table: `up` takes the steps for its own parts, `loanstream install` for yours.

A step may run again, and while workers run: it makes what is missing, and leaves what is there.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

from loanstream.install import grants, retention, topics
from loanstream.installation import Installation
from loanstream.problem import describe_problem
from loanstream.reach import Fault, kafka_fault, operator, writer_fault
from loanstream.sight import sight_fault
from schemas.access import ADMIN
from schemas.problem import Problem
from schemas.topics import TOPICS
from stores.documents.blobs import FileBlobs
from stores.keys import WAREHOUSE_FILE, tenant_file
from stores.warehouse.retention import Days

FIRST: Mapping[str, str] = {"bundle": "default", "policy": "standard"}
"""What decides first where a person names nothing else."""


@dataclass(frozen=True)
class Wanted:
    """What is to be made ready, with which first bundle and policy: a name each, a folder, a file; None: FIRST's,
    or the bundle that the policy is meant for.

    `broker_topics` makes those topics too that the broker would make itself: it is for a broker of one node.
    `leave_grants` leaves the broker's ACLs to somebody else. `retention` is how long rows are kept, None: as they are.
    """

    installation: Installation
    bundle: str | None
    policy: str | None
    actor: str
    replication: int | None = None
    make_keys: bool = False
    broker_topics: bool = False
    leave_grants: bool = False
    retention: Mapping[str, Days] | None = None

    @property
    def asked(self) -> Mapping[str, str]:
        """What was asked for, by its kind."""
        return {kind: named for kind, named in (("bundle", self.bundle), ("policy", self.policy)) if named is not None}

    @cached_property
    def first(self) -> Mapping[str, str]:
        """What decides first, by its kind. Problem for a policy that is none."""
        meant = {} if self.policy is None or self.bundle is not None else {"bundle": _meant_for(self.policy)}
        return {**FIRST, **meant, **self.asked}

    @cached_property
    def artefact_ids(self) -> tuple[str, str]:
        """The ids of bundle and policy, both checked. Problem for what is none."""
        from registry.named import load

        bundle, policy = load(self.first["bundle"], self.first["policy"])
        return bundle.bundle_id, policy.policy_id


def _meant_for(policy: str) -> str:
    from registry.named import named_policy
    from registry.pairs import meant_bundle

    return meant_bundle(named_policy(policy))


@dataclass(frozen=True, slots=True)
class Step:
    """`missing` says what `make` would make, a line each; both raise Problem where a person has to do something.

    `needs` is the part (of `REACHED`) without which neither can be done.
    """

    missing: Callable[[Wanted], list[str]]
    make: Callable[[Wanted], object]
    needs: str | None = None


REACHED: Mapping[str, Callable[[Installation], Fault | None]] = {
    "Kafka": lambda here: kafka_fault(operator(here)),
    "the warehouse": writer_fault,
}
"""What has to be reached -> how to look whether it is, within seconds; in the order in which it is looked at."""


def _missing_keys(wanted: Wanted) -> list[str]:
    """Nothing where settings hold them. Problem for missing ones that are not to be made."""
    here, settings = wanted.installation, wanted.installation.settings
    tenants = here.tenants if settings.tenant_keys is None else ()
    files = here.key_files if tenants or settings.column_key is None else None
    absent = files.missing(tenants, column=settings.column_key is None) if files else []
    if absent and files and not wanted.make_keys:
        raise Problem(f"no {', '.join(absent)} in {files.directory}; put them there, or make them with --make-keys")
    if absent:
        _refuse_lost_keys(wanted, absent)
    for tenant in here.tenants:
        if files is None or tenant_file(tenant) not in absent:
            here.keys.tenant(tenant)  # whatever is there must be keys
    return [f"key file {name}" for name in absent]


def _refuse_lost_keys(wanted: Wanted, absent: list[str]) -> None:
    """Problem where records were made under a key that is missing: another key would open none of them."""
    if writer_fault(wanted.installation) is not None:
        return  # told of the warehouse itself, and nothing is made before it is mended
    client = wanted.installation.warehouse_writer(database=ANY_DATABASE)
    if not client.query(
        "SELECT count() FROM system.tables WHERE database = 'loanstream' AND name = 'applications_log'"
    ).first_row[0]:
        return
    recorded = {row[0] for row in client.query("SELECT DISTINCT tenant FROM loanstream.applications_log").result_rows}
    files = {WAREHOUSE_FILE: bool(recorded)} | {tenant_file(tenant): True for tenant in recorded}
    lost = [name for name in absent if files.get(name)]
    if lost:
        raise Problem(f"{', '.join(lost)} is lost: the warehouse holds records made under it; restore it from a backup")


def _make_keys(wanted: Wanted) -> None:
    here, settings = wanted.installation, wanted.installation.settings
    for tenant in here.tenants if settings.tenant_keys is None else ():
        here.key_files.make_tenant(tenant)
    if settings.column_key is None:
        here.key_files.make_column()


def _missing_documents(wanted: Wanted) -> list[str]:
    blobs = wanted.installation.blobs
    return [] if blobs.exists() else [f"document store {blobs.root}"]


def _missing_artefacts(wanted: Wanted) -> list[str]:
    named = zip((f"{kind} {name}" for kind, name in wanted.first.items()), wanted.artefact_ids, strict=True)
    return [line for line, artefact_id in named if not wanted.installation.artefacts.holds(artefact_id)]


def _store_artefacts(wanted: Wanted) -> None:
    from registry.publish import store

    store(wanted.installation.artefacts, wanted.first["bundle"], wanted.first["policy"])


def _missing_migrations(wanted: Wanted) -> list[str]:
    from stores.warehouse.migrate import pending

    with closing(wanted.installation.warehouse_writer(database=ANY_DATABASE)) as client:
        return [f"migration {name}" for name in pending(client)]


def _migrate(wanted: Wanted) -> None:
    from stores.warehouse.migrate import migrate

    with closing(wanted.installation.warehouse_writer(database=ANY_DATABASE)) as client:
        migrate(client)


def _missing_retention(wanted: Wanted) -> list[str]:
    return [] if wanted.retention is None else retention.planned(wanted.installation, wanted.retention)


def _keep(wanted: Wanted) -> None:
    if wanted.retention is not None:
        retention.make(wanted.installation, wanted.retention)


def retention_waits(wanted: Wanted) -> list[str]:
    """A line for each table whose retention is not set yet, and why."""
    return [] if wanted.retention is None else retention.waiting(wanted.installation, wanted.retention)


ANY_DATABASE = "default"
"""What every ClickHouse has: the first migration makes ours."""


def _missing_grants(wanted: Wanted) -> list[str]:
    return [] if wanted.leave_grants else grants.change(wanted.installation).lines


def rights_of_others(wanted: Wanted) -> list[str]:
    """A line for each right on something of ours that the table has not, of somebody it does not name; nothing is done
    about it. `NotAllowed`; KafkaException.
    """
    return [] if wanted.leave_grants else grants.change(wanted.installation).told


def _missing_topics(wanted: Wanted) -> list[str]:
    return topics.missing(wanted.installation.admin_settings, wanted.installation.tenants)


def _provision(wanted: Wanted) -> None:
    here = wanted.installation
    topics.provision(
        here.bootstrap, here.tenants, here.security, wanted.replication, broker_topics=wanted.broker_topics
    )


def _missing_activation(wanted: Wanted) -> list[str]:
    from registry.publish import is_active

    here = wanted.installation
    if topics.exists(here.admin_settings, TOPICS["control"].name()) and is_active(here.bootstrap, here.security):
        return []
    return [f"first activation of {' and '.join(f'{kind} {name}' for kind, name in wanted.first.items())}"]


def activate(wanted: Wanted) -> bool:
    """Publish the first activation; False where there is one."""
    from registry.publish import activate_first

    here = wanted.installation
    return activate_first(here.bootstrap, here.security, *wanted.artefact_ids, actor=wanted.actor)


STEPS: Mapping[str, Step] = {
    "keys": Step(_missing_keys, _make_keys),
    "document store": Step(_missing_documents, lambda wanted: FileBlobs.create(wanted.installation.blobs.root)),
    "artefact store": Step(_missing_artefacts, _store_artefacts),
    "warehouse": Step(_missing_migrations, _migrate, "the warehouse"),
    "retention": Step(_missing_retention, _keep, "the warehouse"),
    "grants": Step(_missing_grants, lambda wanted: grants.make(wanted.installation), "Kafka"),
    "topics": Step(_missing_topics, _provision, "Kafka"),
    "activation": Step(_missing_activation, activate, "Kafka"),
}
"""In the order they are taken: a topic's readers see it with their rights or not at all, and what decides is activated
when everything else is there."""


def plan(wanted: Wanted) -> tuple[dict[str, list[str]], list[str]]:
    """Step -> what it would make, a line each; and every fault that a person has to mend first, a line each.

    All of them at once: whoever mends one and runs again does not meet the next.
    """
    away = {part: fault for part, look in REACHED.items() if (fault := look(wanted.installation)) is not None}
    if "Kafka" not in away and (blind := _blind(wanted)) is not None:
        away["Kafka"] = blind
    found, faults = {}, [str(fault) for fault in away.values()]
    for name, step in STEPS.items():
        if step.needs in away:
            continue
        try:
            found[name] = step.missing(wanted)
        except Exception as error:
            line = describe_problem(error)
            if line is None:
                raise
            faults.append(line)
    return found, faults


def _blind(wanted: Wanted) -> Fault | None:
    """What the operator may not see at the broker and will not be granted by these steps either; KafkaException."""
    fault = sight_fault(wanted.installation)
    if fault is None or wanted.leave_grants:
        return fault
    try:
        lacking = grants.change(wanted.installation).lacking
    except grants.NotAllowed:
        return fault
    himself = wanted.installation.principal(ADMIN)
    return None if any(held.principal == himself for held in lacking) else fault


def decided_otherwise(wanted: Wanted, where: str = "") -> str | None:
    """One line where the installation decides with something else than was asked for; None where all is as asked.

    A policy that names its bundle asks for that one, too: it is activated with no other. `where` are options that the
    command in that line needs, to be for this installation.
    """
    from registry.in_force import Asked, in_force_note
    from registry.named import named_policy
    from registry.publish import activations
    from stores.artefacts import artefact_name

    here, ids = wanted.installation, dict(zip(wanted.first, wanted.artefact_ids, strict=True))
    names_its_bundle = wanted.policy is not None and named_policy(wanted.policy).bundle is not None
    asked = [
        Asked(kind, written, ids[kind])
        for kind, written in wanted.first.items()
        if names_its_bundle or kind in wanted.asked
    ]
    history = activations(here.bootstrap, here.security) if asked else []
    named, now_ms = artefact_name(here.artefacts), time.time_ns() // 1_000_000
    return in_force_note(history, here.tenants, asked, now_ms, named, where)
