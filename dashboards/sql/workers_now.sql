-- Every stage has a row: one that no worker reports of says so.
SELECT stage, ifNull(told.worker, '-') AS worker,
    multiIf(told.worker IS NULL, 'no worker reports', told_s_ago < 60, 'reports', 'silent') AS state,
    greatest(0, date_diff('second', told_at, $__toTime)) AS told_s_ago, waiting, broker_silent_s, aborts, retries
FROM (SELECT arrayJoin(['verify', 'verify-slow', 'score', 'record']) AS stage) AS every
LEFT JOIN
(
    SELECT toString(stage) AS stage, toNullable(toString(worker)) AS worker,
        toNullable(max(kafka_timestamp)) AS told_at,
        argMaxIf(toNullable(value), kafka_timestamp, name = 'waiting_offsets') AS waiting,
        argMaxIf(toNullable(value), kafka_timestamp, name = 'broker_silent_seconds') AS broker_silent_s,
        argMaxIf(toNullable(value), kafka_timestamp, name = 'aborts_total') AS aborts,
        argMaxIf(toNullable(value), kafka_timestamp, name = 'retries_total') AS retries
    FROM loanstream.service_metrics_log
    WHERE kafka_timestamp >= $__toTime - INTERVAL 1 HOUR AND kafka_timestamp <= $__toTime
        AND name IN ('waiting_offsets', 'broker_silent_seconds', 'aborts_total', 'retries_total')
    GROUP BY stage, worker
) AS told USING (stage)
ORDER BY indexOf(['no worker reports', 'silent', 'reports'], state), stage, worker
