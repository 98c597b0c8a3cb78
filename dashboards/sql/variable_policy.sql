SELECT DISTINCT policy_id FROM loanstream.decisions_by WHERE dimension = 'all' ORDER BY policy_id
