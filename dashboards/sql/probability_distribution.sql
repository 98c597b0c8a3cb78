-- The chosen time beside the thirty days before it; shares, so that sizes do not matter.
WITH bucket >= $__fromTime AS is_now
SELECT value AS probability_from,
    sumIf(decisions, is_now) / nullIf((SELECT sum(decisions) FROM loanstream.decisions_by_result
        WHERE dimension = 'p' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})), 0) AS now,
    sumIf(decisions, NOT is_now) / nullIf((SELECT sum(decisions) FROM loanstream.decisions_by_result
        WHERE dimension = 'p' AND bucket >= $__fromTime - INTERVAL 30 DAY AND bucket < $__fromTime AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})), 0) AS before
FROM loanstream.decisions_by_result
WHERE dimension = 'p' AND bucket >= $__fromTime - INTERVAL 30 DAY AND bucket <= $__toTime AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY value
ORDER BY any(number)
