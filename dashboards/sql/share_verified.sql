SELECT sumIf(decisions, value = 'verified') / nullIf(sum(decisions), 0) AS verified
FROM loanstream.decisions_by_result
WHERE dimension = 'verification' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
