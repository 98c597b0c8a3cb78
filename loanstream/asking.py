"""The commands that ask a running stack: `decisions`, `show`, `replay`, `reconcile`. Each returns its exit code."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from loanstream.ask.decisions import agreement
from loanstream.ask.decisions import decisions as latest
from loanstream.ask.reconcile import reconcile as compare_all
from loanstream.ask.render import agreement_text, decisions_rows, reconciliation_text, replay_text, story_text
from loanstream.ask.story import story
from loanstream.in_force import artefact_name
from loanstream.running import Running
from loanstream.show import console, emit, table

_HEADINGS = ("tenant", "application", "revision", "outcome", "probability", "score", "first reason")
_NARROW = 80
_LESS = frozenset({"revision", "score"})


def decisions(
    running: Running,
    tenant: str | None,
    outcome: str | None,
    limit: int,
    compare: Path | None,
    id_prefix: str,
    *,
    as_json: bool,
) -> int:
    """The latest decisions, or their agreement with the recorded outcomes in `compare`, submitted under `id_prefix`."""
    client = running.warehouse()
    narrowed = None if tenant is None else running.tenant(tenant)
    if compare is not None:
        found = agreement(client, compare, narrowed, id_prefix)
        emit(found.as_json(), agreement_text(found), as_json=as_json)
        return 0
    rows = latest(client, narrowed, outcome, limit)
    emit(rows, decisions_table(rows, console().width), as_json=as_json)
    return 0


def decisions_table(found: list[dict[str, Any]], width: int) -> Table:
    """The decisions as a table; on a narrow terminal without what `show` tells and what is the same in every row."""
    one_tenant = len({row["tenant"] for row in found}) == 1
    out = (_LESS | ({"tenant"} if one_tenant else set())) if width < _NARROW else set()
    kept = [index for index, heading in enumerate(_HEADINGS) if heading not in out]
    rows = [tuple(row[index] for index in kept) for row in decisions_rows(found)]
    of = f" of {found[0]['tenant']}" if "tenant" in out else ""
    return table(f"The latest {len(rows)} decisions{of}", *(_HEADINGS[index] for index in kept), rows=rows)


def show(running: Running, application_id: str, tenant: str | None, *, as_json: bool) -> int:
    """One application's whole story; exit code 1 where nothing is known."""
    told = story(running.warehouse(), running.cipher, application_id, tenant and running.tenant(tenant))
    chapters = [{**asdict(chapter), "timings_ms": chapter.timings_ms} for chapter in told.chapters]
    value = {"application_id": application_id, "revisions": chapters, "dead_letters": told.dead_letters}
    emit(value, story_text(told, artefact_name(running.layout.artefacts), console().width), as_json=as_json)
    return 0 if told.known else 1


def replay(running: Running, tenant: str | None, application_id: str | None, *, as_json: bool) -> int:
    """Make decisions again; exit code 1 where one is not equal."""
    from loanstream.ask.replay import replay as replay_all  # the model's library is slow to import

    done = replay_all(running, tenant, application_id)
    value: dict[str, Any] = {"totals": dict(done.totals), "unequal": [asdict(verdict) for verdict in done.unequal]}
    emit(value, replay_text(done), as_json=as_json)
    return done.exit_code


def reconcile(running: Running, tenant: str | None, *, as_json: bool) -> int:
    """Compare warehouse and topics; exit code 1 where they differ."""
    result = compare_all(running, None if tenant is None else [running.tenant(tenant)])
    differences = [asdict(difference) for difference in result.differences]
    value = {"differences": differences, "compared": dict(result.compared), "records": dict(result.records)}
    emit(value, reconciliation_text(result), as_json=as_json)
    return result.exit_code
