SELECT DISTINCT policy_id FROM loanstream.decisions_in_all WHERE tenant IN (${tenant:singlequote}) ORDER BY policy_id
