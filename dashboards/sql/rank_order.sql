-- Approved only. KS: the greatest distance between the shares of good and bad loans below a score; Gini: of the same.
SELECT any(bads) AS defaulted, any(goods) AS others,
    if(defaulted < 20 OR others < 20, NULL, max(abs(bad_below / bads - good_below / goods))) AS ks,
    if(defaulted < 20 OR others < 20, NULL, 2 * sum(good * (bad_below - bad / 2)) / (defaulted * others) - 1) AS gini,
    if(defaulted < 20 OR others < 20, 'approved only; fewer than 20 defaulted or 20 others: no figure', 'approved only') AS note
FROM
(
    SELECT good, bad, sum(bad) OVER () AS bads, sum(good) OVER () AS goods,
        sum(bad) OVER (ORDER BY score ROWS UNBOUNDED PRECEDING) AS bad_below,
        sum(good) OVER (ORDER BY score ROWS UNBOUNDED PRECEDING) AS good_below
    FROM
    (
        SELECT score, countIf(repaid = 'defaulted') AS bad, countIf(repaid != 'defaulted') AS good
        FROM
        (
            SELECT any(assumeNotNull(loan.score)) AS score, argMax(repayment, kafka_offset) AS repaid
            FROM loanstream.outcomes_decided AS loan
            WHERE kind = 'repayment' AND outcome = 'approve' AND loan.score IS NOT NULL AND $__timeFilter(kafka_timestamp) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
            GROUP BY revision_key
        )
        GROUP BY score
    )
)
HAVING count() > 0
