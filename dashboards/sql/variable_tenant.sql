SELECT DISTINCT tenant FROM loanstream.decisions_by WHERE dimension = 'all' ORDER BY tenant
