-- The chosen time beside the thirty days before it; shares, so that sizes do not matter.
SELECT probability_from, told / nullIf(sum(told) OVER (), 0) AS now, earlier / nullIf(sum(earlier) OVER (), 0) AS before
FROM
(
    SELECT value AS probability_from, any(number) AS place,
        sumIf(decisions, bucket >= $__fromTime) AS told, sumIf(decisions, bucket < $__fromTime) AS earlier
    FROM loanstream.decisions_by_result
    WHERE dimension = 'p' AND bucket >= $__fromTime - INTERVAL 30 DAY AND bucket <= $__toTime AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
    GROUP BY value
)
ORDER BY place
