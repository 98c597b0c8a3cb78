-- A worker's sum and count grow until it is started again; a difference below zero is a start.
SELECT time, stage AS series, sum(seconds) / nullIf(sum(batches), 0) AS age
FROM
(
    SELECT $__timeInterval(kafka_timestamp) AS time, stage, worker,
        greatest(maxIf(value, name = 'lag_seconds_sum') - minIf(value, name = 'lag_seconds_sum'), 0) AS seconds,
        greatest(maxIf(value, name = 'lag_seconds_count') - minIf(value, name = 'lag_seconds_count'), 0) AS batches
    FROM loanstream.service_metrics_log
    WHERE name IN ('lag_seconds_sum', 'lag_seconds_count') AND $__timeFilter(kafka_timestamp)
    GROUP BY time, stage, worker
)
GROUP BY time, series
HAVING sum(batches) > 0
ORDER BY time, series
