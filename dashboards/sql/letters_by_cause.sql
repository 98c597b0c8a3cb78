SELECT tenant, stage, cause, count() AS letters, countIf(action IS NULL) AS still_waiting, max(at) AS latest
FROM loanstream.dead_letters
WHERE $__timeFilter(at) AND tenant IN (${tenant:singlequote})
GROUP BY tenant, stage, cause
ORDER BY letters DESC, tenant, stage, cause
LIMIT 50
