-- From expected (tenant, series, day, k of n where the rate m is expected) to gains: sequential.py's learn and
-- share_gains.
by_day AS
(
    SELECT
        tenant, series, day, sum(k) AS day_k, sum(n) AS day_n, sum(n * m) AS e, sum(n * m * (1 - m)) AS variance
    FROM expected
    WHERE day < 0
    GROUP BY tenant, series, day
),
totals AS
(
    SELECT
        tenant, series, sum(day_n) AS seen, sum(day_k) / seen AS usual, usual - sum(e) / seen AS gap,
        sum(variance) AS varied
    FROM by_day
    GROUP BY tenant, series
),
residuals AS
(
    SELECT tenant, series, day, (day_k - e - day_n * gap) / sqrt(variance) AS u
    FROM by_day
    INNER JOIN totals ON totals.tenant = by_day.tenant AND totals.series = by_day.series
),
{{part:spread}},
learnt AS
(
    SELECT
        totals.tenant AS tenant, totals.series AS series, usual, greatest({{dispersion}}, spread) AS phi,
        {{tolerance}} + {{z_mean}} * sqrt(greatest(1, spread) * varied) / seen AS margin
    FROM totals
    INNER JOIN spreads ON spreads.tenant = totals.tenant AND spreads.series = totals.series
),
gains AS
(
    SELECT
        expected.tenant AS tenant, expected.series AS series, day,
        sumForEach(arrayMap(
            (a, p) -> (a * k - n * log(1 - p + p * exp(a))) / phi,
            {{tilts}},
            arrayMap(
                a -> greatest(1e-6, least(1 - 1e-6, if(a > 0, greatest({{tolerated}}, m + margin), m - margin))),
                {{tilts}}))) AS gain
    FROM expected
    INNER JOIN learnt ON learnt.tenant = expected.tenant AND learnt.series = expected.series
    WHERE day >= 0
    GROUP BY tenant, series, day
)
