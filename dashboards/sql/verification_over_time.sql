SELECT $__timeInterval(bucket) AS time, toString(value) AS series, sum(decisions) AS applications
FROM loanstream.decisions_by_result
WHERE dimension = 'verification' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY time, series
ORDER BY time, series
