SELECT $__timeInterval(bucket) AS time,
    sumIf(decisions, outcome = 'approve') / sum(decisions) AS approved,
    sumIf(decisions, outcome = 'refer') / sum(decisions) AS referred,
    sumIf(decisions, outcome = 'decline') / sum(decisions) AS declined
FROM loanstream.decisions_in_all
WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY time
ORDER BY time
