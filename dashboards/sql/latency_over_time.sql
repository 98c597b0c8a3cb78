SELECT time, quantiles[1] AS p50, quantiles[2] AS p95, quantiles[3] AS p99
FROM
(
    SELECT $__timeInterval(bucket) AS time, quantilesExactWeighted(0.5, 0.95, 0.99)(number, decisions) AS quantiles
    FROM loanstream.decisions_by_latency
    WHERE dimension = 'latency:decision' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
    GROUP BY time
)
ORDER BY time
