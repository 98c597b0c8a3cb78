SELECT DISTINCT policy_id FROM loanstream.deciders_log WHERE tenant IN (${tenant:singlequote}) ORDER BY policy_id
