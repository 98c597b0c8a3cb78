-- CBPE: what the model itself expects, were its probabilities right, of the label that its bundle names (approved).
SELECT time, sum(greatest(p_total, n - p_total)) / sum(n) AS expected_accuracy
FROM
(
    SELECT $__timeInterval(bucket) AS time, number, sum(scored) AS n, sum(p_sum) AS p_total
    FROM loanstream.decisions_by_result
    WHERE dimension = 'p' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
    GROUP BY time, number
)
GROUP BY time
HAVING sum(n) > 0
ORDER BY time
