SELECT DISTINCT bundle_id FROM loanstream.deciders_log WHERE tenant IN (${tenant:singlequote}) ORDER BY bundle_id
