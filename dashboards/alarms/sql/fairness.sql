-- Is a protected group approved less than four fifths as often as another group of the same attribute?
-- Each ordered pair of groups is a series: sequential.py's pair_gains. Groups smaller than the minimum are in no pair.
WITH
{{part:periods}},
grouped AS
(
    SELECT
        counted.tenant AS tenant, toString(dimension) AS attribute, toString(counted.value) AS member,
        intDiv(toInt64(toUnixTimestamp(bucket)) - since + 90 * 86400, 86400) - 90 AS day,
        sumIf(decisions, outcome = 'approve') AS k, sum(decisions) AS n
    FROM loanstream.decisions_by_group AS counted
    INNER JOIN periods ON periods.tenant = counted.tenant
    WHERE dimension IN ('gender', 'ethnicity', 'age_band', 'marital_status')
        AND bucket <= $__toTime AND toUnixTimestamp(bucket) >= since - 90 * 86400
        AND day < intDiv(toInt64(toUnixTimestamp($__toTime)) - since, 86400)
    GROUP BY tenant, attribute, member, day
),
members AS
(
    SELECT
        tenant, attribute, member, sumIf(n, day < 0) AS seen, (sumIf(k, day < 0) + 0.5) / (seen + 1) AS usual,
        groupArray((day, toFloat64(k), toFloat64(n))) AS days
    FROM grouped
    GROUP BY tenant, attribute, member
    HAVING seen >= {{minimum}}
),
together AS
(
    SELECT tenant, attribute, groupArray((member, usual, days)) AS everyone
    FROM members
    GROUP BY tenant, attribute
),
pairs AS
(
    SELECT tenant, attribute, one, two
    FROM (SELECT tenant, attribute, everyone, arrayJoin(everyone) AS one FROM together)
    ARRAY JOIN everyone AS two
    WHERE one.1 != two.1
),
met AS
(
    SELECT
        tenant, concat(attribute, ': ', one.1, ' against ', two.1) AS series, one.2 AS m1, two.2 AS q2,
        mapFromArrays(arrayMap(each -> each.1, two.3), arrayMap(each -> (each.2, each.3), two.3)) AS other,
        arrayMap(
            each -> (each.1, each.2, each.3, other[each.1].1, other[each.1].2),
            arrayFilter(each -> mapContains(other, each.1), one.3)) AS days
    FROM pairs
),
learnt AS
(
    SELECT
        tenant, series, q2, days,
        arrayMap(
            each -> (each.1, (each.2 / each.3 - m1 / q2 * each.4 / each.5)
                / sqrt(m1 * (1 - m1) / each.3 + pow(m1 / q2, 2) * q2 * (1 - q2) / each.5)),
            arrayFilter(each -> each.1 < 0, days)) AS residuals,
        length(residuals) - 1 AS freedom,
        {{part:spread}},
        greatest({{dispersion}}, spread) AS phi
    FROM met
    WHERE freedom >= {{baseline_days}} - 1
),
gained AS
(
    SELECT
        tenant, series, days,
        arrayMap(
            each -> (each.1, arrayMap(
                a -> arraySum(
                    (q1, p2) -> each.2 * log(q1 / ({{ratio}} * p2))
                        + (each.3 - each.2) * log((1 - q1) / (1 - {{ratio}} * p2))
                        + each.4 * log(q2 / p2) + (each.5 - each.4) * log((1 - q2) / (1 - p2)),
                    [q2 * {{ratio}} * a],
                    arrayMap(
                        (hits, line) -> 2 * hits / (line + sqrt(pow(line, 2) - 4 * {{ratio}} * (each.3 + each.5) * hits)),
                        [each.3 * q2 * {{ratio}} * a + each.5 * q2],
                        [(each.3 * q2 * {{ratio}} * a + each.5 * q2) * (1 + {{ratio}})
                            + each.3 * (1 - q2 * {{ratio}} * a) * {{ratio}} + each.5 * (1 - q2)])) / phi,
                {{tilts}})),
            arrayFilter(each -> each.1 >= 0, days)) AS steps
    FROM learnt
),
{{part:detector}},
spans AS
(
    SELECT
        watched.tenant AS tenant, series, e,
        arrayFilter(each -> each.1 >= 0 AND each.1 >= last - {{window_days}}, days) AS span,
        arraySum(each -> each.3, span) AS decided,
        arraySum(each -> each.5, span) AS other_decided,
        (arraySum(each -> each.2, span) / decided) / (arraySum(each -> each.4, span) / other_decided) AS ratio
    FROM watched
    INNER JOIN
    (
        SELECT tenant, intDiv(toInt64(toUnixTimestamp($__toTime)) - since, 86400) AS last FROM periods
    ) AS spent ON spent.tenant = watched.tenant
)
SELECT
    tenant,
    argMax(least(decided, other_decided), e) >= {{minimum}} AS enough,
    if(enough, avg(e) * {{e_level}}, 0) AS value,
    avg(e) AS e_value,
    argMax(series, e) AS pair,
    argMax(decided, e) AS decisions,
    argMax(ratio, e) AS impact_ratio
FROM spans
GROUP BY tenant
ORDER BY tenant
