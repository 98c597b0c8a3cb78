-- Do more of a bank's records end as dead letters than ever should, and than did before?
-- also: what the window has, beside each day; the figures are read once.
WITH
{{part:periods}},
counts AS
(
    SELECT
        tenant, '' AS series, day, cell, sum(letters) AS k, sum(records) AS n,
        (sum(sumIf(records, is_recent)) OVER bank, sum(sumIf(letters, is_recent)) OVER bank) AS also
    FROM
    (
        SELECT
            counted.tenant AS tenant,
            intDiv(toInt64(toUnixTimestamp(bucket)) - since + 90 * 86400, 86400) - 90 AS day,
            toHour(bucket) + 24 * (toDayOfWeek(bucket) >= 6) AS cell,
            bucket > $__toTime - toIntervalSecond({{window_s}}) AS is_recent,
            0 AS letters, sum(decisions) AS records
        FROM loanstream.decisions_in_all AS counted
        INNER JOIN periods ON periods.tenant = counted.tenant
        WHERE toUnixTimestamp(bucket) >= since - 90 * 86400 AND bucket <= $__toTime
        GROUP BY tenant, day, cell, is_recent
        UNION ALL
        SELECT
            dead.tenant AS tenant,
            intDiv(toInt64(toUnixTimestamp(at)) - since + 90 * 86400, 86400) - 90 AS day,
            toHour(at) + 24 * (toDayOfWeek(at) >= 6) AS cell,
            at > $__toTime - toIntervalSecond({{window_s}}) AS is_recent,
            count() AS letters, count() AS records
        FROM loanstream.dead_letters AS dead
        INNER JOIN periods ON periods.tenant = dead.tenant
        WHERE toUnixTimestamp(at) >= since - 90 * 86400 AND at <= $__toTime
        GROUP BY tenant, day, cell, is_recent
    )
    GROUP BY tenant, day, cell
    WINDOW bank AS (PARTITION BY tenant)
),
{{part:rated}},
{{part:share}},
{{part:detector}}
SELECT
    tenant,
    also.1 >= {{minimum}} AS enough,
    if(enough, e * {{e_level}}, 0) AS value,
    e AS e_value,
    also.1 AS records,
    also.2 / also.1 AS share,
    usual,
    greatest({{tolerated}}, usual + margin) AS high,
    phi AS dispersion
FROM watched
ORDER BY tenant
