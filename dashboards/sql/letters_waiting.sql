SELECT count() AS letters
FROM loanstream.dead_letters
WHERE action IS NULL AND tenant IN (${tenant:singlequote})
