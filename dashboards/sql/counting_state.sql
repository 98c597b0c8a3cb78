SELECT count() AS hours, countIf(is_counted) AS counted, countIf(NOT is_counted AND touched_at < now64(3) - INTERVAL 30 MINUTE) AS late
FROM loanstream.hours_state
WHERE $__timeFilter(hour)
