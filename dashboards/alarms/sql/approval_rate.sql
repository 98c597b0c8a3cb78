-- Is a bank's share of approvals still where its last 90 days say?
WITH
{{part:periods}},
counts AS
(
    SELECT
        counted.tenant AS tenant, '' AS series, 0 AS also,
        intDiv(toInt64(toUnixTimestamp(bucket)) - since + 90 * 86400, 86400) - 90 AS day,
        toHour(bucket) + 24 * (toDayOfWeek(bucket) >= 6) AS cell,
        sumIf(decisions, outcome = 'approve') AS k, sum(decisions) AS n
    FROM loanstream.decisions_in_all AS counted
    INNER JOIN periods ON periods.tenant = counted.tenant
    WHERE toUnixTimestamp(bucket) >= since - 90 * 86400 AND bucket <= $__toTime
    GROUP BY tenant, day, cell
),
{{part:rated}},
{{part:share}},
{{part:detector}},
recent AS
(
    SELECT tenant, sum(decisions) AS n, sumIf(decisions, outcome = 'approve') AS k
    FROM loanstream.decisions_in_all
    WHERE bucket > $__toTime - toIntervalSecond({{window_s}}) AND bucket <= $__toTime
    GROUP BY tenant
)
SELECT
    watched.tenant AS tenant,
    recent.n >= {{minimum}} AS enough,
    if(enough, e * {{e_level}}, 0) AS value,
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
