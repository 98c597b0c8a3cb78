SELECT tenant, sum(counted.decisions) AS decisions,
    sumIf(counted.decisions, outcome = 'approve') / sum(counted.decisions) AS approved,
    sumIf(counted.decisions, outcome = 'refer') / sum(counted.decisions) AS referred,
    sumIf(counted.decisions, outcome = 'decline') / sum(counted.decisions) AS declined
FROM loanstream.decisions_by AS counted
WHERE dimension = 'all' AND $__timeFilter(bucket)
    AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY tenant
ORDER BY tenant
