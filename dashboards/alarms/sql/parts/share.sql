-- From counts (tenant, series, day, cell, k of n; days below 0 are the baseline) to gains: sequential.py's learn and
-- share_gains, line by line.
overall AS
(
    SELECT tenant, series, (sum(k) + 0.5) / (sum(n) + 1) AS mean, uniqExact(day) AS days
    FROM counts
    WHERE day < 0
    GROUP BY tenant, series
    HAVING days >= {{baseline_days}}
),
cells AS
(
    SELECT tenant, series, cell, sum(k) AS k, sum(n) AS n
    FROM counts
    WHERE day < 0
    GROUP BY tenant, series, cell
),
expected AS
(
    SELECT
        counts.tenant AS tenant, counts.series AS series, counts.day AS day, counts.k AS k, counts.n AS n,
        overall.days AS days, overall.mean AS mean,
        (cells.k + {{shrink}} * overall.mean) / (cells.n + {{shrink}}) AS m
    FROM counts
    INNER JOIN overall ON overall.tenant = counts.tenant AND overall.series = counts.series
    LEFT JOIN cells ON cells.tenant = counts.tenant AND cells.series = counts.series AND cells.cell = counts.cell
),
learnt AS
(
    SELECT
        tenant, series, any(days) - 1 AS freedom, any(mean) AS usual, sum(day_n) AS seen, sum(v) AS variance,
        sum(pow(day_k - e, 2) / v) / freedom * pow(1 - 2 / (9 * freedom) - {{z_dispersion}} * sqrt(2 / (9 * freedom)), -3) AS spread,
        greatest({{dispersion}}, spread) AS phi,
        {{tolerance}} + {{z_mean}} * sqrt(greatest(1, spread) * variance) / seen AS margin
    FROM
    (
        SELECT
            tenant, series, day, any(days) AS days, any(mean) AS mean,
            sum(k) AS day_k, sum(n) AS day_n, sum(n * m) AS e, sum(n * m * (1 - m)) AS v
        FROM expected
        WHERE day < 0
        GROUP BY tenant, series, day
    )
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
