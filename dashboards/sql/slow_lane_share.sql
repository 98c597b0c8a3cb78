SELECT $__timeInterval(bucket) AS time, sumIf(decisions, lane != 'fast') / sum(decisions) AS slow_lane
FROM loanstream.decisions_in_all
WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY time
ORDER BY time
