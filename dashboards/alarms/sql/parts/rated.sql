-- From counts (tenant, series, also, day, cell, k of n; days below 0 are the baseline) to rated: with the rate m that the
-- baseline has in the cell.
rated AS
(
    SELECT
        tenant, series, also, day, k, n,
        (sumIf(k, day < 0) OVER whole + 0.5) / (sumIf(n, day < 0) OVER whole + 1) AS mean,
        (sumIf(k, day < 0) OVER same + {{shrink}} * mean) / (sumIf(n, day < 0) OVER same + {{shrink}}) AS m
    FROM counts
    WINDOW whole AS (PARTITION BY tenant, series), same AS (PARTITION BY tenant, series, cell)
)
