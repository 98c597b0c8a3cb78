-- Is a protected group approved less than four fifths as often as another group of the same attribute?
-- Each ordered pair of groups is a series: sequential.py's pair_gains. Groups smaller than the minimum are in no pair.
WITH
{{part:periods}},
grouped AS
(
    SELECT
        facts.tenant AS tenant, pair.1 AS attribute, assumeNotNull(pair.2) AS member,
        intDiv(toInt64(toUnixTimestamp(decided_at)) - since + 90 * 86400, 86400) - 90 AS day,
        countIf(outcome = 'approve') AS k, count() AS n
    FROM loanstream.decision_facts AS facts
    INNER JOIN periods ON periods.tenant = facts.tenant
    ARRAY JOIN [
        ('gender', gender::Nullable(String)), ('ethnicity', ethnicity::Nullable(String)),
        ('age_band', age_band::Nullable(String)), ('marital_status', marital_status::Nullable(String))] AS pair
    WHERE pair.2 IS NOT NULL AND decided_at <= $__toTime
        AND toUnixTimestamp(decided_at) >= since - 90 * 86400
        AND toUnixTimestamp(decided_at) < since + intDiv(toInt64(toUnixTimestamp($__toTime)) - since, 86400) * 86400
    GROUP BY tenant, attribute, member, day
),
members AS
(
    SELECT tenant, attribute, member, (sum(k) + 0.5) / (sum(n) + 1) AS usual, sum(n) AS seen
    FROM grouped
    WHERE day < 0
    GROUP BY tenant, attribute, member
    HAVING seen >= {{minimum}}
),
pairs AS
(
    SELECT
        fewer.tenant AS tenant, fewer.attribute AS attribute, fewer.member AS member, more.member AS other,
        concat(attribute, ': ', member, ' against ', other) AS series, more.usual AS q2, fewer.usual AS m1
    FROM members AS fewer
    INNER JOIN members AS more ON more.tenant = fewer.tenant AND more.attribute = fewer.attribute
    WHERE fewer.member != more.member
),
days AS
(
    SELECT
        pairs.tenant AS tenant, series, q2, m1, one.day AS day,
        toFloat64(one.k) AS k1, toFloat64(one.n) AS n1, toFloat64(two.k) AS k2, toFloat64(two.n) AS n2
    FROM pairs
    INNER JOIN grouped AS one
        ON one.tenant = pairs.tenant AND one.attribute = pairs.attribute AND one.member = pairs.member
    INNER JOIN grouped AS two
        ON two.tenant = pairs.tenant AND two.attribute = pairs.attribute AND two.member = pairs.other
        AND two.day = one.day
),
residuals AS
(
    SELECT
        tenant, series, day,
        (k1 / n1 - m1 / q2 * k2 / n2)
            / sqrt(m1 * (1 - m1) / n1 + pow(m1 / q2, 2) * q2 * (1 - q2) / n2) AS u
    FROM days
    WHERE day < 0
),
{{part:spread}},
gains AS
(
    SELECT
        tenant, series, day,
        arrayMap(
            (q1, p2) -> (
                k1 * log(q1 / ({{ratio}} * p2)) + (n1 - k1) * log((1 - q1) / (1 - {{ratio}} * p2))
                + k2 * log(q2 / p2) + (n2 - k2) * log((1 - q2) / (1 - p2))) / phi,
            likely,
            arrayMap(
                (hits, line) -> 2 * hits / (line + sqrt(pow(line, 2) - 4 * {{ratio}} * (n1 + n2) * hits)),
                arrayMap(q1 -> n1 * q1 + n2 * q2, likely),
                arrayMap(
                    q1 -> (n1 * q1 + n2 * q2) * (1 + {{ratio}}) + n1 * (1 - q1) * {{ratio}} + n2 * (1 - q2),
                    likely))) AS gain
    FROM
    (
        SELECT
            days.*, greatest({{dispersion}}, spread) AS phi, arrayMap(a -> q2 * {{ratio}} * a, {{tilts}}) AS likely
        FROM days
        INNER JOIN spreads ON spreads.tenant = days.tenant AND spreads.series = days.series
        WHERE day >= 0
    )
),
watched AS (SELECT tenant, series FROM spreads),
{{part:detector}},
recent AS
(
    SELECT
        tenant, series, sum(n1) AS n, sum(n2) AS other_n, (sum(k1) / sum(n1)) / (sum(k2) / sum(n2)) AS ratio
    FROM days
    INNER JOIN
    (
        SELECT tenant, intDiv(toInt64(toUnixTimestamp($__toTime)) - since, 86400) AS last FROM periods
    ) AS spent ON spent.tenant = days.tenant
    WHERE day >= 0 AND day >= last - {{window_days}}
    GROUP BY tenant, series
)
SELECT
    e_values.tenant AS tenant,
    if(least(recent.n, other_n) < {{minimum}}, 0, e_value * {{e_level}}) AS value,
    e_value,
    most AS pair,
    recent.n AS decisions,
    recent.ratio AS impact_ratio
FROM e_values
LEFT JOIN recent ON recent.tenant = e_values.tenant AND recent.series = most
ORDER BY tenant
