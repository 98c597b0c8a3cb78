SELECT DISTINCT tenant FROM loanstream.deciders_log ORDER BY tenant
