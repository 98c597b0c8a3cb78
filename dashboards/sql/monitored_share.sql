-- Each protected attribute on its own: an application may bring one and leave out another.
SELECT attribute, ifNull(told, 0) / nullIf((SELECT sum(decisions) FROM loanstream.decisions_in_all WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})), 0) AS known
FROM (SELECT arrayJoin(['gender', 'age_band', 'ethnicity', 'marital_status']) AS attribute) AS every
LEFT JOIN
(
    SELECT toString(dimension) AS attribute, sum(decisions) AS told
    FROM loanstream.decisions_by_group
    WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
    GROUP BY attribute
) AS found USING (attribute)
ORDER BY known DESC, attribute
