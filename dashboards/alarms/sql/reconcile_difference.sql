-- Did the last `loanstream reconcile` find differences between the topics and the warehouse, or has it not run?
SELECT
    stage,
    true AS enough,
    greatest(differences / {{differences}}, age_s / {{age_s}}) AS value,
    differences,
    age_s
FROM
(
    SELECT stage, argMax(value, at) AS differences, toUnixTimestamp($__toTime) - toUnixTimestamp(max(at)) AS age_s
    FROM loanstream.service_metrics
    WHERE name = 'reconcile_differences' AND at > $__toTime - toIntervalSecond({{window_s}}) AND at <= $__toTime
    GROUP BY stage
)
ORDER BY stage
