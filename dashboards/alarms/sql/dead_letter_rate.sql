-- Do more of a bank's records end as dead letters than ever should, and than did before?
WITH
{{part:periods}},
counts AS
(
    SELECT tenant, '' AS series, 0 AS also, day, cell, sum(letters) AS k, sum(records) AS n
    FROM
    (
        SELECT
            counted.tenant AS tenant,
            intDiv(toInt64(toUnixTimestamp(bucket)) - since + 90 * 86400, 86400) - 90 AS day,
            toHour(bucket) + 24 * (toDayOfWeek(bucket) >= 6) AS cell,
            0 AS letters, sum(decisions) AS records
        FROM loanstream.decisions_in_all AS counted
        INNER JOIN periods ON periods.tenant = counted.tenant
        WHERE toUnixTimestamp(bucket) >= since - 90 * 86400 AND bucket <= $__toTime
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
    SELECT tenant, sum(records) AS n, sum(letters) AS k
    FROM
    (
        SELECT tenant, decisions AS records, 0 AS letters FROM loanstream.decisions_in_all
        WHERE bucket > $__toTime - toIntervalSecond({{window_s}}) AND bucket <= $__toTime
        UNION ALL
        SELECT tenant, 1 AS records, 1 AS letters FROM loanstream.dead_letters
        WHERE at > $__toTime - toIntervalSecond({{window_s}}) AND at <= $__toTime
    )
    GROUP BY tenant
)
SELECT
    watched.tenant AS tenant,
    recent.n >= {{minimum}} AS enough,
    if(enough, e * {{e_level}}, 0) AS value,
    e AS e_value,
    recent.n AS records,
    recent.k / recent.n AS share,
    usual,
    greatest({{tolerated}}, usual + margin) AS high,
    phi AS dispersion
FROM watched
LEFT JOIN recent ON recent.tenant = watched.tenant
ORDER BY tenant
