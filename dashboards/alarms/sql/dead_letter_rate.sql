-- Do more of a bank's records end as dead letters than ever should, and than did before?
WITH
{{part:periods}},
counts AS
(
    SELECT tenant, '' AS series, 0 AS also, day, cell, sum(letters) AS k, sum(records) AS n
    FROM
    (
        SELECT
            facts.tenant AS tenant,
            intDiv(toInt64(toUnixTimestamp(decided_at)) - since + 90 * 86400, 86400) - 90 AS day,
            toHour(decided_at) + 24 * (toDayOfWeek(decided_at) >= 6) AS cell,
            0 AS letters, count() AS records
        FROM loanstream.decision_facts AS facts
        INNER JOIN periods ON periods.tenant = facts.tenant
        WHERE toUnixTimestamp(decided_at) >= since - 90 * 86400 AND decided_at <= $__toTime
        GROUP BY tenant, day, cell
        UNION ALL
        SELECT
            dead.tenant AS tenant,
            intDiv(toInt64(toUnixTimestamp(at)) - since + 90 * 86400, 86400) - 90 AS day,
            toHour(at) + 24 * (toDayOfWeek(at) >= 6) AS cell,
            count() AS letters, count() AS records
        FROM loanstream.dead_letters AS dead
        INNER JOIN periods ON periods.tenant = dead.tenant
        WHERE toUnixTimestamp(at) >= since - 90 * 86400 AND at <= $__toTime
        GROUP BY tenant, day, cell
    )
    GROUP BY tenant, day, cell
),
{{part:rated}},
{{part:share}},
{{part:detector}},
recent AS
(
    SELECT tenant, count() AS n, sum(letter) AS k
    FROM
    (
        SELECT tenant, decided_at AS time, 0 AS letter FROM loanstream.decision_facts
        WHERE decided_at > $__toTime - toIntervalSecond({{window_s}}) AND decided_at <= $__toTime
        UNION ALL
        SELECT tenant, at AS time, 1 AS letter FROM loanstream.dead_letters
        WHERE at > $__toTime - toIntervalSecond({{window_s}}) AND at <= $__toTime
    )
    GROUP BY tenant
)
SELECT
    watched.tenant AS tenant,
    if(recent.n < {{minimum}}, 0, e * {{e_level}}) AS value,
    e AS e_value,
    recent.n AS records,
    recent.k / recent.n AS share,
    usual,
    greatest({{tolerated}}, usual + margin) AS high,
    phi AS dispersion
FROM watched
LEFT JOIN recent ON recent.tenant = watched.tenant
ORDER BY tenant
