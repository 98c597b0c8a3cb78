"""What the warehouse tells of the last minute and hour: one table of questions, asked by the reader."""

from collections.abc import Mapping
from typing import Any

from loanstream.installation import Installation
from loanstream.reach import warehouse_fault
from loanstream.top.frame import DECISION, Pace, Told
from loanstream.top.paces import Count, rates
from schemas.problem import Problem
from stores.warehouse.plain import rows

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
OUTCOMES = ("approve", "refer", "decline")

_TENANT = "({tenant:String} = '' OR tenant = {tenant:String})"
_SINCE = "fromUnixTimestamp64Milli({%s:Int64}, 'UTC')"
_MINUTE, _HOUR = _SINCE % "minute_ms", _SINCE % "hour_ms"

# Of the logs, since a view sorts all of its log before it is cut to the hour.
QUESTIONS: Mapping[str, str] = {
    # Each revision once: the first record of the hour. What was sent again, and decided again, flows again.
    "decisions": f"""
SELECT verdict AS outcome, countIf(first_at >= {_MINUTE}) AS minute, count() AS hour FROM
(
    SELECT argMin(outcome, kafka_offset) AS verdict, argMin(accepted_at, kafka_offset) AS first_at
    FROM loanstream.decisions_log
    WHERE accepted_at >= {_HOUR} AND {_TENANT}
    GROUP BY tenant, application_id, revision
)
GROUP BY outcome
""",  # noqa: S608 - fixed clauses
    "took": f"""
SELECT step, quantileExact(0.5)(ms) AS p50, quantileExact(0.99)(ms) AS p99 FROM
(
    SELECT arrayJoin([
        (if(processing_lane = 'fast', 'verify', 'verify-slow'),
            date_diff('millisecond', processing_verify_started_at, processing_verify_finished_at)),
        ('score', date_diff('millisecond', processing_score_started_at, processing_score_finished_at)),
        ('{DECISION}', date_diff('millisecond', accepted_at, processing_score_finished_at))
    ]) AS one, one.1 AS step, one.2 AS ms
    FROM loanstream.decisions_log
    WHERE accepted_at >= {_HOUR} AND processing_score_finished_at >= {_MINUTE} AND {_TENANT}
)
GROUP BY step
""",  # noqa: S608
    "dead_letters": f"""
SELECT cause, uniqExact(origin_topic, origin_partition, origin_offset, stage) AS letters
FROM loanstream.dead_letters_log WHERE kafka_timestamp >= {_HOUR} AND {_TENANT}
GROUP BY cause ORDER BY letters DESC, cause
""",  # noqa: S608
    "activation": """
SELECT kafka_timestamp AS at, tenant, bundle_id, policy_id, actor, reason, withdraws, rolls_back
FROM loanstream.activations
WHERE {tenant:String} = '' OR tenant IS NULL OR tenant = {tenant:String}
ORDER BY kafka_timestamp DESC, kafka_offset DESC LIMIT 1
""",
}
COUNTED = "records_in_total"
"""The worker's own count of records whose offsets it committed, as it publishes it."""
COUNTS = f"""
SELECT stage, worker, toUnixTimestamp64Milli(at) AS at_ms, any(value) AS value
FROM loanstream.service_metrics_log
WHERE name = '{COUNTED}' AND kafka_timestamp >= {_SINCE % "counts_ms"}
GROUP BY stage, worker, at
"""  # noqa: S608 - a fixed clause
"""What the workers counted: of all banks together, so it is not asked for one of them."""
COUNTS_MS = 2 * MINUTE_MS


class Warehouse:
    """Asks the warehouse again and again, by one client; to be used by one thread at a time."""

    def __init__(self, installation: Installation, tenant: str | None) -> None:
        self._installation, self._tenant = installation, tenant
        self._client: Any = None

    def look(self, now_ms: int) -> Told:
        """What it tells up to now. Problem where it does not answer; ClickHouseError."""
        try:
            return told(self._opened(), self._tenant, now_ms)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """End the client; a later look opens another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _opened(self) -> Any:
        if self._client is None:
            fault = warehouse_fault(self._installation)
            if fault is not None:
                raise Problem(str(fault))
            self._client = self._installation.warehouse()
        return self._client


def told(client: Any, tenant: str | None, now_ms: int) -> Told:
    """What the warehouse tells of the minute and the hour before `now_ms`; `tenant` None is all of them."""
    asked = {
        "tenant": tenant or "",
        "minute_ms": now_ms - MINUTE_MS,
        "hour_ms": now_ms - HOUR_MS,
        "counts_ms": now_ms - COUNTS_MS,
    }
    found = {name: rows(client.query(question, parameters=asked)) for name, question in QUESTIONS.items()}
    counts = [Count(*row) for row in client.query(COUNTS, parameters=asked).result_rows] if tenant is None else []
    by_outcome = {row["outcome"]: (row["minute"], row["hour"]) for row in found["decisions"]}
    return Told(
        paces=_paces(counts, found["took"], now_ms),
        decisions={outcome: by_outcome.get(outcome, (0, 0)) for outcome in OUTCOMES},
        dead_letters={row["cause"]: row["letters"] for row in found["dead_letters"]},
        activation=next(iter(found["activation"]), None),
    )


def _paces(counts: list[Count], took: list[dict[str, Any]], now_ms: int) -> dict[str, Pace]:
    of_10_s, of_60_s = rates(counts, 10_000, now_ms), rates(counts, MINUTE_MS, now_ms)
    quantiles = {row["step"]: (float(row["p50"]), float(row["p99"])) for row in took}
    return {
        stage: Pace(of_10_s.get(stage), of_60_s.get(stage), *quantiles.get(stage, (None, None)))
        for stage in sorted({*of_10_s, *of_60_s, *quantiles})
    }
