-- Figures of the workers themselves, of all banks together.
SELECT time, stage AS series, sum(waiting) AS waiting
FROM
(
    SELECT $__timeInterval(kafka_timestamp) AS time, stage, worker, max(value) AS waiting
    FROM loanstream.service_metrics_log
    WHERE name = 'waiting_offsets' AND $__timeFilter(kafka_timestamp)
    GROUP BY time, stage, worker
)
GROUP BY time, series
ORDER BY time, series
