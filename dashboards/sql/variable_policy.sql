SELECT DISTINCT policy_id FROM loanstream.decisions_in_all ORDER BY policy_id
