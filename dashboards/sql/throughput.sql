-- A bucket is five minutes long: a shorter interval has all of its decisions at once.
SELECT toStartOfInterval(bucket, toIntervalSecond(greatest($__interval_s, 300))) AS time,
    sum(decisions) / greatest($__interval_s, 300) AS decisions
FROM loanstream.decisions_in_all
WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
GROUP BY time
ORDER BY time
