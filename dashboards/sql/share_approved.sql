SELECT sumIf(decisions, outcome = 'approve') / nullIf(sum(decisions), 0) AS approved
FROM loanstream.decisions_in_all
WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
