-- Points of a percentage between the chosen time and the seven days before it; none where either has fewer than 100.
WITH bucket >= $__fromTime AS is_now
SELECT if(sumIf(decisions, is_now) < 100 OR sumIf(decisions, NOT is_now) < 100, NULL,
    sumIf(decisions, is_now AND outcome = 'approve') / sumIf(decisions, is_now)
    - sumIf(decisions, NOT is_now AND outcome = 'approve') / sumIf(decisions, NOT is_now)) AS difference
FROM loanstream.decisions_in_all
WHERE bucket >= $__fromTime - INTERVAL 7 DAY AND bucket <= $__toTime AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
