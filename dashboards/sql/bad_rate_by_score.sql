-- Approved only: nobody knows how those who were not approved would have repaid.
SELECT toString(floor(score * 20) / 20) AS score_from, countIf(repaid = 'defaulted') / count() AS bad_rate
FROM
(
    SELECT any(assumeNotNull(loan.score)) AS score, argMax(repayment, kafka_offset) AS repaid
    FROM loanstream.outcomes_decided AS loan
    WHERE kind = 'repayment' AND outcome = 'approve' AND loan.score IS NOT NULL AND $__timeFilter(kafka_timestamp) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
    GROUP BY revision_key
)
GROUP BY score_from
HAVING count() >= 20
ORDER BY score_from
