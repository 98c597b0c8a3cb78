-- Population stability index of each feature against the data that the model was trained on, in the bins of training.
-- A bin without any decision counts as 0.01 %; fewer than 200 decisions say nothing.
SELECT feature, substring(bundle_id, 1, 15) AS model, sum(told) AS decisions,
    if(decisions < 200, NULL, sum((greatest(told / size, 0.0001) - greatest(share, 0.0001))
        * log(greatest(told / size, 0.0001) / greatest(share, 0.0001)))) AS psi
FROM
(
    SELECT fit.feature AS feature, fit.bundle_id AS bundle_id, fit.share AS share, counted.told AS told,
        sum(counted.told) OVER (PARTITION BY fit.bundle_id, fit.feature) AS size
    FROM
    (
        SELECT DISTINCT bundle_id, toString(feature) AS feature, toFloat64(bin) AS bin, share
        FROM loanstream.bundle_references
        WHERE bundle_id IN (${bundle:singlequote})
    ) AS fit
    LEFT JOIN
    (
        SELECT bundle_id, substring(toString(dimension), 9) AS feature, number AS bin, sum(decisions) AS told
        FROM loanstream.decisions_by_feature
        WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
        GROUP BY bundle_id, feature, bin
    ) AS counted ON counted.bundle_id = fit.bundle_id AND counted.feature = fit.feature AND counted.bin = fit.bin
)
WHERE size > 0
GROUP BY feature, bundle_id
ORDER BY psi DESC, feature
