SELECT quantileExactWeighted(0.95)(number, decisions) AS p95
FROM loanstream.decisions_by_latency
WHERE dimension = 'latency:decision' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
HAVING count() > 0
