-- From rated (tenant, series, day, k of n where the rate m is expected; also: goes with it) to gained: one row for each series, with what the
-- baseline says and what each day gains. sequential.py's learn and share_gains. Every step reads the one before it once.
by_day AS
(
    SELECT
        tenant, series, day, sum(k) AS day_k, sum(n) AS day_n, sum(n * m) AS e, sum(n * m * (1 - m)) AS variance,
        groupArray((k, n, m)) AS cells, any(also) AS also
    FROM rated
    GROUP BY tenant, series, day
),
learnt AS
(
    SELECT
        tenant, series, countIf(day < 0) - 1 AS freedom, sumIf(day_n, day < 0) AS seen,
        sumIf(day_k, day < 0) / seen AS usual, usual - sumIf(e, day < 0) / seen AS gap,
        sumIf(variance, day < 0) AS varied,
        arrayMap(
            past -> (past.1, (past.2 - past.4 - past.3 * gap) / sqrt(past.5)),
            groupArrayIf((day, day_k, day_n, e, variance), day < 0)) AS residuals,
        {{part:spread}},
        greatest({{dispersion}}, spread) AS phi,
        {{tolerance}} + {{z_mean}} * sqrt(greatest(1, spread) * varied) / seen AS margin,
        groupArrayIf((day, cells), day >= 0) AS ahead, any(also) AS also
    FROM by_day
    GROUP BY tenant, series
    HAVING freedom >= {{baseline_days}} - 1
),
gained AS
(
    SELECT
        tenant, series, also, usual, margin, phi,
        arrayMap(
            now -> (now.1, arrayMap(
                a -> arraySum(
                    (cell, p) -> a * cell.1 - cell.2 * log(1 - p + p * exp(a)),
                    now.2,
                    arrayMap(
                        cell -> greatest(1e-6, least(1 - 1e-6,
                            if(a > 0, greatest({{tolerated}}, cell.3 + margin), cell.3 - margin))),
                        now.2)) / phi,
                {{tilts}})),
            ahead) AS steps
    FROM learnt
)
