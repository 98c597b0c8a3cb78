SELECT DISTINCT bundle_id FROM loanstream.decisions_in_all WHERE tenant IN (${tenant:singlequote}) ORDER BY bundle_id
