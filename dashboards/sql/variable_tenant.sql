SELECT DISTINCT tenant FROM loanstream.decisions_in_all ORDER BY tenant
