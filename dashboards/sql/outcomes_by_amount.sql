SELECT value AS amount_from, sum(d.decisions) AS decisions,
    sumIf(d.decisions, outcome = 'approve') / sum(d.decisions) AS approved,
    sumIf(d.decisions, outcome = 'refer') / sum(d.decisions) AS referred,
    sumIf(d.decisions, outcome = 'decline') / sum(d.decisions) AS declined
FROM loanstream.decisions_by_claim AS d
WHERE dimension = 'amount' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY value
ORDER BY any(number)
