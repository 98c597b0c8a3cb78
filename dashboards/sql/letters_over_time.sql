SELECT $__timeInterval(at) AS time, toString(cause) AS series, count() AS letters
FROM loanstream.dead_letters
WHERE $__timeFilter(at) AND tenant IN (${tenant:singlequote})
GROUP BY time, series
ORDER BY time, series
