SELECT value AS reader_kind_status, sum(decisions) AS applications
FROM loanstream.decisions_by_document
WHERE dimension = 'document' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY value
ORDER BY applications DESC, value
LIMIT 30
