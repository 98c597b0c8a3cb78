-- From residuals (tenant, series, day below 0, u in standard deviations) to spreads: sequential.py's spread.
spreads AS
(
    SELECT
        tenant, series, count() - 1 AS freedom,
        sumForEach(arrayMap(i -> if(i - 90 = day, u, 0), range(90))) AS us,
        arraySum(x -> x * x, us) AS squares,
        squares / freedom
            * pow(1 - 2 / (9 * freedom) - {{z_dispersion}} * sqrt(2 / (9 * freedom)), -3)
            * greatest(1, 1 + arraySum(
                lag -> 2 * (1 - lag / ({{lags}} + 1))
                    * arraySum((x, y) -> x * y, arraySlice(us, lag + 1), arraySlice(us, 1, 90 - lag)),
                range(1, {{lags}} + 1)) / greatest(squares, 1e-12)) AS spread
    FROM residuals
    GROUP BY tenant, series
    HAVING freedom >= {{baseline_days}} - 1
)
