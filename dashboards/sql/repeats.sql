SELECT count() AS repeats FROM loanstream.decision_repeats_log FINAL WHERE tenant IN (${tenant:singlequote})
