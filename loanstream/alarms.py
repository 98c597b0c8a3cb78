"""Every alarm's question asked of the warehouse now: what rings, for whom, and which page says what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dashboards.alarms.queries import now_sql
from dashboards.alarms.table import ALERTS, Alert
from dashboards.alarms.thresholds import SHIPPED, Thresholds, ThresholdsWrong, load
from loanstream.settings import Settings
from schemas.problem import Problem

State = Literal["fires", "quiet", "too few", "no row"]


@dataclass(frozen=True, slots=True)
class Bell:
    """One row of an alarm's answer. `of` is the bank, stage or thing that it is about; empty where there was no row."""

    alarm: str
    of: str
    value: float | None
    state: State
    severity: str
    runbook: str

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def thresholds(settings: Settings) -> Thresholds:
    """The operator's own where a setting names a file, else those shipped. Problem for a file that is wrong."""
    path = settings.alarm_thresholds
    try:
        return load(path or SHIPPED)
    except ThresholdsWrong as wrong:
        raise Problem(f"LOANSTREAM_ALARM_THRESHOLDS: {wrong}") from None
    except OSError:
        raise Problem("LOANSTREAM_ALARM_THRESHOLDS names a file that cannot be read; expected a YAML file") from None


def bells(client: Any, banks: Thresholds, tenant: str | None = None) -> list[Bell]:
    """Every alarm by `client`, a reader of the warehouse; with `tenant`, those of one bank alone."""
    asked = [alert for alert in ALERTS.values() if tenant is None or alert.labels == ("tenant",)]
    return [bell for alert in asked for bell in _of(alert, client.query(now_sql(alert, banks)).result_rows, tenant)]


def _of(alert: Alert, rows: list[tuple[Any, ...]], tenant: str | None) -> Iterator[Bell]:
    labelled = [(", ".join(labels), value, enough) for *labels, value, enough in rows]
    told = [row for row in labelled if tenant is None or row[0] == tenant]
    for of, value, enough in told:
        yield Bell(alert.id, of, value, _state(value, enough=enough), alert.severity, alert.runbook)
    if not told:
        yield Bell(alert.id, "", None, "fires" if alert.no_rows_fire else "no row", alert.severity, alert.runbook)


def _state(value: float, *, enough: bool) -> State:
    if not enough:
        return "too few"
    return "fires" if value >= 1 else "quiet"


def counts(found: list[Bell]) -> Mapping[State, int]:
    """How many there are of each state that there is."""
    told: dict[State, int] = {}
    for bell in found:
        told[bell.state] = told.get(bell.state, 0) + 1
    return told
