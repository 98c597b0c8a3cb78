-- The hour leads to the few rows that are worth their wide columns.
SELECT accepted_at, tenant, application_id AS application, revision, outcome, score_final, reason_first AS first_reason
FROM loanstream.decisions_log
WHERE hour >= $__toTime - INTERVAL 2 HOUR AND hour <= $__toTime AND accepted_at >= $__fromTime AND tenant IN (${tenant:singlequote})
    AND (tenant, kafka_topic, kafka_partition, kafka_offset) NOT IN
        (SELECT tenant, kafka_topic, kafka_partition, kafka_offset FROM loanstream.decision_repeats_log)
ORDER BY accepted_at DESC
LIMIT 50
