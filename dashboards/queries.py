"""Questions to the warehouse, one row each: what it asks, its columns, and the SQL on the public views.

The demo's summary and the dashboards ask the same questions with the same words.
"""

from dataclasses import dataclass
from typing import Any

from schemas.reasons import OWN


@dataclass(frozen=True, slots=True)
class Query:
    """`parameters` are ClickHouse's own placeholders with their defaults; an empty tenant means all."""

    name: str
    asks: str
    sql: str
    parameters: tuple[tuple[str, Any], ...] = (("tenant", ""),)


_TENANT = "({tenant:String} = '' OR tenant = {tenant:String})"

_LATENCY = f"""
WITH steps AS
(
    SELECT arrayJoin([
        ('waited for verify', accepted_at, processing_verify_started_at),
        ('verify', processing_verify_started_at, processing_verify_finished_at),
        ('waited for score', processing_verify_finished_at, processing_score_started_at),
        ('score', processing_score_started_at, processing_score_finished_at),
        ('decision', accepted_at, processing_score_finished_at)
    ]) AS step, processing_lane AS lane
    FROM loanstream.decisions
    WHERE {_TENANT}
)
SELECT step.1 AS stage, lane, count() AS decisions,
    round(quantileExact(0.5)(date_diff('millisecond', step.2, step.3)), 1) AS p50,
    round(quantileExact(0.95)(date_diff('millisecond', step.2, step.3)), 1) AS p95,
    round(quantileExact(0.99)(date_diff('millisecond', step.2, step.3)), 1) AS p99
FROM steps
GROUP BY stage, lane
ORDER BY lane, indexOf(['waited for verify', 'verify', 'waited for score', 'score', 'decision'], stage)
"""  # noqa: S608 - a fixed clause

QUERIES: dict[str, Query] = {
    query.name: query
    for query in (
        Query(
            "outcomes",
            "What was decided, for each bank?",
            f"SELECT tenant, outcome, count() AS decisions, round(avg(score_final), 4) AS average_score "  # noqa: S608
            f"FROM loanstream.decisions WHERE {_TENANT} GROUP BY tenant, outcome ORDER BY tenant, outcome",
        ),
        Query(
            "reasons",
            "Why were applications referred or declined: the first reason of each, most frequent first?",
            # Two banks may use one code of their own for two things: such a row is of one bank alone.
            "SELECT outcome, reason.code AS code, any(reason.text) AS example, count() AS decisions FROM "  # noqa: S608
            "(SELECT outcome, reasons[1] AS reason, tenant FROM loanstream.decisions "
            f"WHERE outcome != 'approve' AND notEmpty(reasons) AND {_TENANT}) "
            f"GROUP BY outcome, code, if(startsWith(code, '{OWN}'), tenant, '') "
            "ORDER BY decisions DESC, outcome, code, example LIMIT {limit:UInt32}",
            (("tenant", ""), ("limit", 10)),
        ),
        Query(
            "principal_reasons",
            "What were applicants told: the factors of their principal reasons, most frequent first?",
            "SELECT outcome, reason.factor AS factor, any(reason.text) AS example, count() AS decisions FROM "  # noqa: S608
            "(SELECT outcome, arrayJoin(principal_reasons) AS reason, tenant FROM loanstream.decisions "
            f"WHERE {_TENANT}) GROUP BY outcome, factor, if(startsWith(factor, '{OWN}'), tenant, '') "
            "ORDER BY decisions DESC, outcome, factor, example LIMIT {limit:UInt32}",
            (("tenant", ""), ("limit", 10)),
        ),
        Query(
            "documents",
            "What did documents say, and which claims did they contradict?",
            "SELECT verification_result AS result, count() AS applications, "  # noqa: S608
            "arraySort(arrayDistinct(arrayFlatten(groupArray(arrayFilter(claim -> claim != '', "
            "arrayMap(c -> if(c.result = verification_result AND c.result IN ('mismatch', 'suspicious'), "
            "toString(c.claim), ''), checks)))))) AS claims "
            f"FROM loanstream.verifications WHERE {_TENANT} GROUP BY result ORDER BY applications DESC",
        ),
        Query(
            "latency",
            "How long did each step take, in milliseconds?",
            _LATENCY,
        ),
        Query(
            "dead_letters",
            "What could not be processed, and why?",
            f"SELECT tenant, stage, cause, count() AS records FROM loanstream.dead_letters WHERE {_TENANT} "  # noqa: S608
            "GROUP BY tenant, stage, cause ORDER BY records DESC, tenant, stage, cause",
        ),
        Query(
            "conflicts",
            "Which revisions were decided in more than one way, and in what do the records differ?",
            "SELECT tenant, application_id, revision, decision_ids, outcomes, differs, code_versions "  # noqa: S608
            f"FROM loanstream.conflicts WHERE {_TENANT} "
            "ORDER BY tenant, application_id, revision LIMIT {limit:UInt32}",
            (("tenant", ""), ("limit", 100)),
        ),
    )
}


def run(client: Any, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """The answer of a question as rows; `client` is a clickhouse-connect client that may read.

    Raises KeyError for an unknown question, TypeError for a parameter it does not take.
    """
    query = QUERIES[name]
    defaults = dict(query.parameters)
    unknown = parameters.keys() - defaults.keys()
    if unknown:
        raise TypeError(f"{name} takes {', '.join(defaults)}, not {', '.join(sorted(unknown))}")
    found = client.query(query.sql, parameters=defaults | parameters)
    return [dict(row) for row in found.named_results()]
