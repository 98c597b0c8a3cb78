-- Have the scores of a bank's applicants moved away from those of the 90 days before the activation?
-- It fires where both are true: a bin's share moved (e-process over ten bins), and all of them by so much (PSI of the
-- last seven whole days). Scores are counted in twentieths; the bins are the baseline's tenths, as far as those tell them.
WITH
{{part:periods}},
marked AS
(
    SELECT
        counted.tenant AS tenant,
        intDiv(toInt64(toUnixTimestamp($__toTime)) - since, 86400) AS last,
        intDiv(toInt64(toUnixTimestamp(bucket)) - since + 90 * 86400, 86400) - 90 AS day,
        toUInt8(toDayOfWeek(bucket) >= 6) AS cell,
        toUInt16(round(number * 20)) AS mark,
        sum(decisions) AS n
    FROM loanstream.decisions_by_result AS counted
    INNER JOIN periods ON periods.tenant = counted.tenant
    WHERE dimension = 'score' AND bucket <= $__toTime
        AND toUnixTimestamp(bucket) >= since - 90 * 86400 AND day < last
    GROUP BY tenant, last, day, cell, mark
),
banks AS
(
    SELECT
        tenant, any(last) AS last,
        quantilesExactWeightedIf(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)(mark, n, day < 0) AS edges,
        groupArray((day, cell, mark, n)) AS marks
    FROM marked
    GROUP BY tenant
    HAVING countIf(day < 0) > 0
),
binned AS
(
    SELECT
        tenant, last, each.1 AS day, each.2 AS cell, sum(each.4) AS of,
        sumForEach(arrayMap(bin -> if(bin = arrayCount(edge -> each.3 > edge, edges), each.4, 0), range(10))) AS bins
    FROM banks
    ARRAY JOIN marks AS each
    GROUP BY tenant, last, day, cell
),
spans AS
(
    SELECT
        tenant, groupArray((day, cell, of, bins)) AS days,
        sumForEachIf(bins, day < 0) AS before, sumIf(of, day < 0) AS before_of,
        sumForEachIf(bins, day >= 0 AND day >= last - {{window_days}}) AS now,
        sumIf(of, day >= 0 AND day >= last - {{window_days}}) AS now_of,
        arraySum(
            (p, q) -> (greatest(1e-4, q / now_of) - greatest(1e-4, p / before_of))
                * log(greatest(1e-4, q / now_of) / greatest(1e-4, p / before_of)),
            before, now) AS psi
    FROM binned
    GROUP BY tenant, last
    HAVING now_of > 0
),
counts AS
(
    SELECT
        tenant, concat('score bin ', toString(bin + 1)) AS series, (now_of, psi) AS also,
        each.1 AS day, each.2 AS cell, each.4[bin + 1] AS k, each.3 AS n
    FROM (SELECT tenant, now_of, psi, arrayJoin(days) AS each FROM spans)
    ARRAY JOIN range(10) AS bin
),
{{part:rated}},
{{part:share}},
{{part:detector}}
SELECT
    tenant,
    decisions >= {{minimum}} AS enough,
    if(enough, least(avg(e) * {{e_level}}, psi / {{psi}}), 0) AS value,
    avg(e) AS e_value,
    any(also.1) AS decisions,
    any(also.2) AS psi,
    argMax(series, e) AS moved_most
FROM watched
GROUP BY tenant
ORDER BY tenant
