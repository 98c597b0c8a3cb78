"""`loanstream reconcile`: the warehouse against the topics."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from loanstream.ask.reconcile import mend as mend_repeats
from loanstream.ask.reconcile import reconcile as compare_all
from loanstream.ask.reconciliation import Reconciliation
from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.installation import Installation
from loanstream.sight import need_sight
from loanstream.terminal import aside, emit

app = verb()

Mend = Annotated[
    bool,
    typer.Option("--mend", help="Put the set of repeated decisions right, which figures pass over. Exits 1 still."),
]

EXPLAINED: dict[str, str] = {
    "rowless": "no row is made of what became a dead letter instead: {}",
    "past": "not kept any longer by the warehouse's retention: {}",
    "older": "not compared, as the topics no longer hold their records: {}",
    "held": "of these, held against what the warehouse keeps of their records: {}",
    "ended_before": "their ends are no longer in the topics, and the warehouse has them: {}",
    "later": "came after the start, and are as their records: {}",
    "from_letters": "recorded from their letters, as the records cannot be read: {}",
    "taken_then": "taken by a former version and as their records, which today's checks would refuse: {}",
    "without_origin": "recorded by a former version, without the place of the application's record: {}",
    "without_features": "recorded by a former version, which kept no features: {}",
    "origin_lost": "without the place of the application's record, which rows of their time have; not proven: {}",
}
"""Why other counts are not these: a field of `Reconciliation`, and its line."""

REJECTIONS: dict[str, str] = {
    "rejected": "{} rejections told to the banks that sent the records",
    "withdrawn": "{} withdrawn, as the records were taken after all",
    "not_told": "{} letters of which the bank was not told: of a former version, or before its topic of rejections",
}
"""What banks were told, and its words."""

MENDED = (
    "decision_repeats_log is not what the log of decisions says, and figures are off by it: "
    "`loanstream reconcile --mend` puts it right"
)

LEFT_OUT = "left out: service metrics"

RECONCILE = "reconcile"
"""Stands for stage and worker in what a run publishes."""
DIFFERENCES = "reconcile_differences"


@app.command()
def reconcile(tenant: TenantOption = None, state: State = None, as_json: AsJson = False, mend: Mend = False) -> None:
    """Compare the warehouse with the topics, record by record; exit 1 and a name for every difference.

    Of a run over every bank the number of differences is published, for the alarm reconcile_difference.
    """
    installation = installation_of(state)
    _ = installation.tenants, installation.warehouse_url, installation.cipher  # what is not set is told first
    need_sight(installation)
    result = compare_all(installation, None if tenant is None else [installation.tenant(tenant)], aside)
    if mend:
        mend_repeats(installation, result)
    emit(reconciliation_json(result), reconciliation_text(result), as_json=as_json)
    if tenant is None and not _published(installation, len(result.differences)):
        aside("the result could not be published: the alarm reconcile_difference does not know of this run")
    raise typer.Exit(result.exit_code)


def _published(installation: Installation, differences: int) -> bool:
    """Tell the alarms what a whole run found, as the operator; whether Kafka has it."""
    from processors.identity import Worker, code_version
    from processors.measurements import Figure, MetricPublisher

    operator = Worker(RECONCILE, RECONCILE, code_version())
    publisher = MetricPublisher(installation.bootstrap, installation.security, operator)
    return publisher.tell([Figure(DIFFERENCES, differences)])


def reconciliation_json(result: Reconciliation) -> dict[str, Any]:
    """Differences and counts; `explained` says why counts are not the same everywhere."""
    return {
        "differences": [difference.as_json() for difference in result.differences],
        "compared": dict(result.compared),
        "records": dict(result.records),
        "explained": {name: dict(+_counts(result, name)) for name in EXPLAINED},
        "decision_records": {**asdict(result.decision_records), "repeats": result.decision_records.repeats},
        "rejections": dict(result.rejections),
        "left_out": ["service_metrics"],
    }


def reconciliation_text(result: Reconciliation) -> str:
    """Every difference on a line of its own, then what was compared, then why other counts are not these."""
    lines = [str(difference) for difference in result.differences]
    verdict = "the warehouse equals the topics" if not lines else f"{len(lines)} differences"
    compared = f"{verdict}: compared {_listed(result.compared) or 'nothing'}"
    rejections = "; ".join(
        words.format(count) for name, words in REJECTIONS.items() if (count := result.rejections[name])
    )
    told = [rejections] if rejections else []
    mended = [MENDED] if any(result.wrong_repeats) else []
    return "\n".join([*lines, compared, *mended, *_explained(result), str(result.decision_records), *told, LEFT_OUT])


def _explained(result: Reconciliation) -> Iterator[str]:
    for name, sentence in EXPLAINED.items():
        listed = _listed(_counts(result, name))
        if listed:
            yield sentence.format(listed)


def _counts(result: Reconciliation, name: str) -> Counter[str]:
    found: Counter[str] = getattr(result, name)
    return found


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name.removesuffix('_log')}" for name, count in counts.items() if count)
