SELECT sum(decisions) AS decisions
FROM loanstream.decisions_in_all
WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
