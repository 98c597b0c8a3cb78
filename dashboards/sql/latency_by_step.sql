SELECT $__timeInterval(bucket) AS time,
    transform(dimension, ['latency:wait_verify', 'latency:verify', 'latency:wait_score', 'latency:score'],
        ['waits for verify', 'verify', 'waits for score', 'score'], toString(dimension)) AS series,
    quantileExactWeighted(0.95)(number, decisions) AS p95
FROM loanstream.decisions_by_latency
WHERE dimension != 'latency:decision' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY time, series
ORDER BY time, series
