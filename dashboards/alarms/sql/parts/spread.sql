-- From residuals, an array of (day below 0, standard deviations), and freedom: sequential.py's spread.
arrayMap(i -> arraySum(each -> if(each.1 = i - 90, each.2, 0), residuals), range(90)) AS us,
arraySum(u -> u * u, us) AS squares,
squares / freedom
    * pow(1 - 2 / (9 * freedom) - {{z_dispersion}} * sqrt(2 / (9 * freedom)), -3)
    * greatest(1, 1 + arraySum(
        lag -> 2 * (1 - lag / ({{lags}} + 1))
            * arraySum((u, before) -> u * before, arraySlice(us, lag + 1), arraySlice(us, 1, 90 - lag)),
        range(1, {{lags}} + 1)) / greatest(squares, 1e-12)) AS spread
