SELECT value AS reason,
    sumIf(decisions, outcome = 'refer') AS referred,
    sumIf(decisions, outcome = 'decline') AS declined
FROM loanstream.decisions_by_result
WHERE dimension = 'first_reason' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY reason
ORDER BY referred + declined DESC, reason
LIMIT 12
