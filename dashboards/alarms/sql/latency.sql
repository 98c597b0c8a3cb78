-- Are decisions of the fast lane made within the budget?
SELECT
    tenant,
    if(decisions < {{minimum}}, 0, p95_ms / {{p95_ms}}) AS value,
    p95_ms,
    decisions
FROM
(
    SELECT tenant, count() AS decisions, quantileExact(0.95)(toFloat64(latency_ms)) AS p95_ms
    FROM loanstream.decision_facts
    WHERE lane = 'fast' AND decided_at > $__toTime - toIntervalSecond({{window_s}}) AND decided_at <= $__toTime
    GROUP BY tenant
)
ORDER BY tenant
