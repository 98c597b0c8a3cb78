-- Population stability index of each day against the same model's first days, as many as have 2,000 decisions. Days of
-- fewer than 200 say nothing and are left out; a bin without any decision counts as 0.01 %.
SELECT toDateTime(day) AS time, substring(bundle_id, 1, 15) AS series,
    arraySum(bin -> (greatest(told[bin] / size, 0.0001) - greatest(first[bin] / first_size, 0.0001))
        * log(greatest(told[bin] / size, 0.0001) / greatest(first[bin] / first_size, 0.0001)),
        arrayDistinct(arrayConcat(mapKeys(told), mapKeys(first)))) AS psi
FROM
(
    SELECT day, bundle_id, told, size, size_before,
        sumMapIf(told, size_before < 2000) OVER (PARTITION BY bundle_id) AS first,
        sumIf(size, size_before < 2000) OVER (PARTITION BY bundle_id) AS first_size
    FROM
    (
        SELECT day, bundle_id, told, size, sum(size) OVER (PARTITION BY bundle_id ORDER BY day) - size AS size_before
        FROM
        (
            SELECT toDate(bucket) AS day, bundle_id, sumMap(map(value, decisions)) AS told, sum(decisions) AS size
            FROM loanstream.decisions_by_result
            WHERE dimension = 'score' AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
            GROUP BY day, bundle_id
        )
    )
)
WHERE size_before >= 2000 AND size >= 200 AND $__timeFilter(toDateTime(day))
ORDER BY time, series
