-- What each process told last of what ends: of a stage's workers the one whose ends first.
SELECT stage, what, argMin(worker, each.left_s) AS whose, min(each.ends) AS ends, min(each.left_s) AS left_s
FROM
(
    SELECT stage, toString(labels['what']) AS what, toString(worker) AS worker,
        max(kafka_timestamp) + toIntervalSecond(toInt64(argMax(value, kafka_timestamp))) AS ends,
        date_diff('second', $__toTime, ends) AS left_s
    FROM loanstream.service_metrics_log
    WHERE name = 'expires_in_seconds' AND kafka_timestamp >= $__toTime - INTERVAL 2 DAY AND kafka_timestamp <= $__toTime
    GROUP BY stage, what, worker
) AS each
GROUP BY stage, what
ORDER BY left_s, stage, what
