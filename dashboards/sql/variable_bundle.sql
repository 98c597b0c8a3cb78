SELECT DISTINCT bundle_id FROM loanstream.decisions_in_all ORDER BY bundle_id
