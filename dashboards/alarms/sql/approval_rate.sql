-- Is a bank's share of approvals still where its last 90 days say?
-- also: what the window has, beside each day; the figures are read once.
WITH
{{part:periods}},
counts AS
(
    SELECT
        counted.tenant AS tenant, '' AS series,
        intDiv(toInt64(toUnixTimestamp(bucket)) - since + 90 * 86400, 86400) - 90 AS day,
        toHour(bucket) + 24 * (toDayOfWeek(bucket) >= 6) AS cell,
        sumIf(decisions, outcome = 'approve') AS k, sum(decisions) AS n,
        (
            sum(sumIf(decisions, bucket > $__toTime - toIntervalSecond({{window_s}}))) OVER bank,
            sum(sumIf(decisions, bucket > $__toTime - toIntervalSecond({{window_s}}) AND outcome = 'approve')) OVER bank
        ) AS also
    FROM loanstream.decisions_in_all AS counted
    INNER JOIN periods ON periods.tenant = counted.tenant
    WHERE toUnixTimestamp(bucket) >= since - 90 * 86400 AND bucket <= $__toTime
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
    also.1 AS decisions,
    also.2 / also.1 AS share,
    usual,
    usual - margin AS low,
    usual + margin AS high,
    phi AS dispersion
FROM watched
ORDER BY tenant
