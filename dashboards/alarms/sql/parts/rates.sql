-- From counts (tenant, series, day, cell, k of n; days below 0 are the baseline) to expected: the rate m of each cell, as
-- the baseline has it.
overall AS
(
    SELECT tenant, series, (sum(k) + 0.5) / (sum(n) + 1) AS mean
    FROM counts
    WHERE day < 0
    GROUP BY tenant, series
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
        (cells.k + {{shrink}} * overall.mean) / (cells.n + {{shrink}}) AS m
    FROM counts
    INNER JOIN overall ON overall.tenant = counts.tenant AND overall.series = counts.series
    LEFT JOIN cells ON cells.tenant = counts.tenant AND cells.series = counts.series AND cells.cell = counts.cell
)
