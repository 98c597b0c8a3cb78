SELECT at, tenant, application_id AS application, stage, cause, errors[1].field AS field, errors[1].expected AS expected, ifNull(action, 'waits') AS state
FROM loanstream.dead_letters
WHERE $__timeFilter(at) AND tenant IN (${tenant:singlequote})
ORDER BY at DESC
LIMIT 50
