-- Is a bank's share of approvals still where its last 90 days say?
WITH
{{part:periods}},
counts AS
(
    SELECT
        facts.tenant AS tenant, '' AS series, 0 AS also,
        intDiv(toInt64(toUnixTimestamp(decided_at)) - since + 90 * 86400, 86400) - 90 AS day,
        toHour(decided_at) + 24 * (toDayOfWeek(decided_at) >= 6) AS cell,
        countIf(outcome = 'approve') AS k, count() AS n
    FROM loanstream.decision_facts AS facts
    INNER JOIN periods ON periods.tenant = facts.tenant
    WHERE toUnixTimestamp(decided_at) >= since - 90 * 86400 AND decided_at <= $__toTime
    GROUP BY tenant, day, cell
),
{{part:rated}},
{{part:share}},
{{part:detector}},
recent AS
(
    SELECT tenant, count() AS n, countIf(outcome = 'approve') AS k
    FROM loanstream.decision_facts
    WHERE decided_at > $__toTime - toIntervalSecond({{window_s}}) AND decided_at <= $__toTime
    GROUP BY tenant
)
SELECT
    watched.tenant AS tenant,
    if(recent.n < {{minimum}}, 0, e * {{e_level}}) AS value,
    e AS e_value,
    recent.n AS decisions,
    recent.k / recent.n AS share,
    usual,
    usual - margin AS low,
    usual + margin AS high,
    phi AS dispersion
FROM watched
LEFT JOIN recent ON recent.tenant = watched.tenant
ORDER BY tenant
