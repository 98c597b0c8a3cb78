SELECT stage, worker,
    date_diff('second', max(kafka_timestamp), now64(3)) AS told_s_ago,
    argMaxIf(value, kafka_timestamp, name = 'waiting_offsets') AS waiting,
    argMaxIf(value, kafka_timestamp, name = 'broker_silent_seconds') AS broker_silent_s,
    argMaxIf(value, kafka_timestamp, name = 'aborts_total') AS aborts,
    argMaxIf(value, kafka_timestamp, name = 'retries_total') AS retries
FROM loanstream.service_metrics_log
WHERE kafka_timestamp >= $__toTime - INTERVAL 1 HOUR
    AND name IN ('waiting_offsets', 'broker_silent_seconds', 'aborts_total', 'retries_total')
GROUP BY stage, worker
ORDER BY stage, worker
