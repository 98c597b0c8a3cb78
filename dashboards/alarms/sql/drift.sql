-- Have the scores of a bank's applicants moved away from those of the 90 days before the activation?
-- It fires where both are true: a bin's share moved (e-process over ten bins), and all of them by so much (PSI).
WITH
{{part:periods}},
scored AS
(
    SELECT
        facts.tenant AS tenant, assumeNotNull(score_final) AS score,
        intDiv(toInt64(toUnixTimestamp(decided_at)) - since + 90 * 86400, 86400) - 90 AS day,
        toUInt8(toDayOfWeek(decided_at) >= 6) AS cell
    FROM loanstream.decision_facts AS facts
    INNER JOIN periods ON periods.tenant = facts.tenant
    WHERE score_final IS NOT NULL AND decided_at <= $__toTime
        AND toUnixTimestamp(decided_at) >= since - 90 * 86400
        AND toUnixTimestamp(decided_at) < since + intDiv(toInt64(toUnixTimestamp($__toTime)) - since, 86400) * 86400
),
edges AS
(
    SELECT tenant, quantilesExact(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)(score) AS edges
    FROM scored
    WHERE day < 0
    GROUP BY tenant
),
binned AS
(
    SELECT
        scored.tenant AS tenant, day, cell, count() AS n,
        sumForEach(arrayMap(b -> toUInt8(b = arrayCount(edge -> score > edge, edges.edges)), range(10))) AS bins
    FROM scored
    INNER JOIN edges ON edges.tenant = scored.tenant
    GROUP BY tenant, day, cell
),
counts AS
(
    SELECT tenant, concat('score bin ', toString(bin + 1)) AS series, day, cell, bins[bin + 1] AS k, n
    FROM binned
    ARRAY JOIN range(10) AS bin
),
{{part:rates}},
{{part:share}},
watched AS (SELECT tenant, series FROM learnt),
{{part:detector}},
spans AS
(
    SELECT
        tenant, sumForEachIf(bins, day < 0) AS before, sumIf(n, day < 0) AS before_n,
        sumForEachIf(bins, day >= 0 AND day >= last - {{window_days}}) AS now, sumIf(n, day >= 0 AND day >= last - {{window_days}}) AS now_n
    FROM binned
    INNER JOIN
    (
        SELECT tenant, intDiv(toInt64(toUnixTimestamp($__toTime)) - since, 86400) AS last FROM periods
    ) AS spent ON spent.tenant = binned.tenant
    GROUP BY tenant
),
moved AS
(
    SELECT
        tenant, now_n,
        arraySum(
            (p, q) -> (greatest(1e-4, q / now_n) - greatest(1e-4, p / before_n))
                * log(greatest(1e-4, q / now_n) / greatest(1e-4, p / before_n)),
            before, now) AS psi
    FROM spans
    WHERE now_n > 0
)
SELECT
    e_values.tenant AS tenant,
    if(now_n < {{minimum}}, 0, least(e_value * {{e_level}}, psi / {{psi}})) AS value,
    e_value,
    now_n AS decisions,
    psi,
    most AS moved_most
FROM e_values
INNER JOIN moved ON moved.tenant = e_values.tenant
ORDER BY tenant
