-- From expected (tenant, series, day, k of n where the rate m is expected; days with applications in the baseline) to
-- gains: sequential.py's learn and share_gains.
by_day AS
(
    SELECT
        tenant, series, day, any(days) AS days,
        sum(k) AS day_k, sum(n) AS day_n, sum(n * m) AS e, sum(n * m * (1 - m)) AS variance
    FROM expected
    WHERE day < 0
    GROUP BY tenant, series, day
),
off AS
(
    SELECT tenant, series, (sum(day_k) - sum(e)) / sum(day_n) AS gap
    FROM by_day
    GROUP BY tenant, series
),
learnt AS
(
    SELECT
        tenant, series, any(days) - 1 AS freedom, sum(day_k) / sum(day_n) AS usual,
        sum(pow(day_k - e - day_n * gap, 2) / variance) / freedom
            * pow(1 - 2 / (9 * freedom) - {{z_dispersion}} * sqrt(2 / (9 * freedom)), -3) AS spread,
        greatest({{dispersion}}, spread) AS phi,
        {{tolerance}} + {{z_mean}} * sqrt(greatest(1, spread) * sum(variance)) / sum(day_n) AS margin
    FROM by_day
    INNER JOIN off ON off.tenant = by_day.tenant AND off.series = by_day.series
    GROUP BY tenant, series
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
