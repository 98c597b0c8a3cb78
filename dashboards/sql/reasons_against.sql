SELECT value AS reason, sum(decisions) AS decisions
FROM loanstream.decisions_by_result
WHERE dimension = 'reason' AND value != 'numerical_residual' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY value
ORDER BY decisions DESC, value
LIMIT 15
