-- A stage whose workers have all been silent for a minute has no line among those of waiting records.
SELECT 4 - count() AS stages
FROM
(
    SELECT stage
    FROM loanstream.service_metrics_log
    WHERE kafka_timestamp >= $__toTime - INTERVAL 1 HOUR AND kafka_timestamp <= $__toTime AND name = 'waiting_offsets'
        AND stage IN ('verify', 'verify-slow', 'score', 'record')
    GROUP BY stage
    HAVING max(kafka_timestamp) >= $__toTime - INTERVAL 1 MINUTE
)
