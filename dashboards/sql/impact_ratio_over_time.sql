-- The lowest ratio of any two groups of 20 or more, week by week.
SELECT toDateTime(week) AS time, attribute AS series, min(share) / nullIf(max(share), 0) AS impact_ratio
FROM
(
    SELECT toMonday(bucket) AS week, toString(dimension) AS attribute, value, sumIf(decisions, outcome = 'approve') / sum(decisions) AS share
    FROM loanstream.decisions_by_group
    WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
    GROUP BY week, attribute, value
    HAVING sum(decisions) >= 20
)
GROUP BY week, attribute
HAVING count() > 1
ORDER BY time, series
