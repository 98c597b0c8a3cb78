SELECT DISTINCT bundle_id FROM loanstream.decisions_by WHERE dimension = 'all' ORDER BY bundle_id
