SELECT first_accepted_at, tenant, application_id AS application, revision, arrayStringConcat(outcomes, ', ') AS outcomes, arrayStringConcat(differs, ', ') AS differs
FROM loanstream.conflicts
WHERE $__timeFilter(first_accepted_at) AND tenant IN (${tenant:singlequote})
ORDER BY first_accepted_at DESC
LIMIT 50
