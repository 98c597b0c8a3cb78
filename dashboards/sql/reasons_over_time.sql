-- The five most frequent of the chosen time.
SELECT $__timeInterval(bucket) AS time, toString(value) AS series, sum(decisions) AS decisions
FROM loanstream.decisions_by_result
WHERE dimension = 'first_reason' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
    AND value IN
    (
        SELECT value FROM loanstream.decisions_by_result
        WHERE dimension = 'first_reason' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
        GROUP BY value ORDER BY sum(decisions) DESC, value LIMIT 5
    )
GROUP BY time, series
ORDER BY time, series
