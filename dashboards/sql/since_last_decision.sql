SELECT date_diff('second', max(processing_score_finished_at), now64(3)) AS seconds
FROM loanstream.decisions_log
WHERE hour >= $__fromTime - INTERVAL 1 HOUR AND tenant IN (${tenant:singlequote})
HAVING count() > 0
