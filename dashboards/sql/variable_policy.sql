SELECT DISTINCT policy_id FROM loanstream.decisions_by WHERE dimension = 'all' AND tenant IN (${tenant:singlequote}) ORDER BY policy_id
