SELECT splitByString(' · ', value)[1] AS kind, splitByString(' · ', value)[2] AS finding, sum(decisions) AS applications
FROM loanstream.decisions_by_document
WHERE dimension = 'finding' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY value
ORDER BY applications DESC, value
LIMIT 30
