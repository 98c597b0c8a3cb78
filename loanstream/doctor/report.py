"""The whole report: this machine, then the stack that runs at a state directory, or the parts that settings name."""

from collections.abc import Mapping
from pathlib import Path

from loanstream.doctor import counting, look_at, work
from loanstream.doctor.check import Check, Row, guarded, look_through
from loanstream.doctor.machine import MACHINE, check_machine
from loanstream.doctor.running_stack import check_stack
from loanstream.installation import Installation
from loanstream.sight import MENDED_BY
from loanstream.stack.layout import Layout, read_stack
from loanstream.stack.running import RunningStack
from schemas.problem import Problem

WORKERS_NEED = ("python", "machine", "document sandbox")
"""What of the machine matters where broker and warehouse are elsewhere."""

BY_SETTINGS: Mapping[str, Row] = {
    "kafka": Row(look_at.kafka, "see LOANSTREAM_KAFKA_BOOTSTRAP and LOANSTREAM_KAFKA_ADMIN_SECURITY"),
    "banks": Row(look_at.banks, "loanstream tenant list; it names the command that goes on"),
    "operator": Row(look_at.operators_sight, f"see LOANSTREAM_KAFKA_ADMIN_SECURITY: {MENDED_BY}", "kafka"),
    "topics": Row(
        look_at.topics, "loanstream install; a tenant whose topics have other partitions needs another name", "operator"
    ),
    "readers": Row(
        work.readers,
        "loanstream install, where topics or offsets are absent; else start the workers of that group",
        "operator",
    ),
    "progress": Row(work.progress, "see the log of the worker that has the partition, and its /healthz", "operator"),
    "rights": Row(
        look_at.rights, "loanstream install; where others keep the ACLs, they: docs/reference/access.md", "operator"
    ),
    "brokers' clocks": Row(look_at.clocks, look_at.SET_CLOCKS, "operator"),
    "warehouse": Row(look_at.warehouse, "see LOANSTREAM_WAREHOUSE_URL"),
    "warehouse reader": Row(
        look_at.reader, "see LOANSTREAM_WAREHOUSE_READER and LOANSTREAM_WAREHOUSE_READER_PASSWORD", "warehouse"
    ),
    "reader's limits": Row(
        look_at.readers_limits,
        "grant it SELECT on loanstream.* alone, with the setting readonly (docs/own-kafka-and-clickhouse.md)",
        "warehouse reader",
    ),
    "figures": Row(counting.figures, "see system.view_refreshes, and docs/warehouse-figures.md", "warehouse reader"),
    "retention": Row(
        look_at.retention, "loanstream install; or see LOANSTREAM_RETENTION_*, and run it again", "warehouse reader"
    ),
    "refusals": Row(work.refusals, "see LOANSTREAM_WAREHOUSE_READER", "warehouse reader"),
    "document store": Row(look_at.documents, "mount its disk writable and make room; a new one: loanstream install"),
    "keys": Row(look_at.keys, "see LOANSTREAM_KEYS; new ones: loanstream install --make-keys"),
}


def run_doctor(state: Path, *, named: bool = False) -> list[Check]:
    """Check the machine, then every part of a running stack. Never raises for what it finds.

    Where none runs that is wrong for whoever `named` the state, who expects one there; else the machine is what was
    asked about.
    """
    state = state.expanduser().absolute()
    checks = list(check_machine(state))
    try:
        # Not RunningStack.at: of a stack that was killed the doctor names the dead parts.
        running = RunningStack.described(Layout(state), read_stack(state))
    except Problem as problem:
        where = "" if state.exists() else f"; there is no directory {state}"
        fix = "see whether --state or LOANSTREAM_STATE is the one that was meant; else start it"
        return [*checks, Check("stack", not named, f"{problem}{where}", fix)]
    return [*checks, *check_stack(running)]


def run_doctor_by_settings(installation: Installation) -> list[Check]:
    """Check what workers need of the machine, then every part that settings name. Never raises for what it finds."""
    machine = [guarded(name, MACHINE[name]) for name in WORKERS_NEED]
    return [*machine, *look_through(BY_SETTINGS, installation, {})]
