-- Do more of a bank's records end as dead letters than ever should, and than did before?
WITH
{{part:periods}},
ended AS
(
    SELECT tenant, decided_at AS at, 0 AS letter FROM loanstream.decision_facts WHERE decided_at <= $__toTime
    UNION ALL
    SELECT tenant, at, 1 AS letter FROM loanstream.dead_letters WHERE at <= $__toTime
),
counts AS
(
    SELECT
        ended.tenant AS tenant, '' AS series,
        intDiv(toInt64(toUnixTimestamp(at)) - since + 90 * 86400, 86400) - 90 AS day,
        toHour(at) + 24 * (toDayOfWeek(at) >= 6) AS cell,
        sum(letter) AS k, count() AS n
    FROM ended
    INNER JOIN periods ON periods.tenant = ended.tenant
    WHERE toUnixTimestamp(at) >= since - 90 * 86400
    GROUP BY tenant, series, day, cell
),
{{part:rates}},
{{part:share}},
watched AS (SELECT tenant, series FROM learnt),
{{part:detector}},
recent AS
(
    SELECT tenant, count() AS n, sum(letter) AS k
    FROM ended
    WHERE at > $__toTime - toIntervalSecond({{window_s}})
    GROUP BY tenant
)
SELECT
    learnt.tenant AS tenant,
    if(recent.n < {{minimum}}, 0, e_value * {{e_level}}) AS value,
    e_value,
    recent.n AS records,
    recent.k / recent.n AS share,
    usual,
    greatest({{tolerated}}, usual + margin) AS high,
    phi AS dispersion
FROM learnt
INNER JOIN e_values ON e_values.tenant = learnt.tenant
LEFT JOIN recent ON recent.tenant = learnt.tenant
ORDER BY tenant
