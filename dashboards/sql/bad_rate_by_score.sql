-- Approved only: nobody knows how those who were not approved would have repaid.
SELECT toString(floor(assumeNotNull(score) * 20) / 20) AS score_from,
    countIf(repayment = 'defaulted') / count() AS bad_rate
FROM (
    SELECT tenant, application_id, revision, argMax(repayment, kafka_offset) AS repayment
    FROM loanstream.outcomes_log
    WHERE kind = 'repayment' AND $__timeFilter(kafka_timestamp) AND tenant IN (${tenant:singlequote})
    GROUP BY tenant, application_id, revision
) AS repaid
INNER JOIN (
    SELECT tenant, application_id, revision, argMin(score_final, kafka_offset) AS score, argMin(outcome, kafka_offset) AS outcome
    FROM loanstream.decisions_log
    WHERE (tenant, application_id, revision) IN
        (SELECT tenant, application_id, revision FROM loanstream.outcomes_log WHERE kind = 'repayment' AND $__timeFilter(kafka_timestamp) AND tenant IN (${tenant:singlequote}))
        AND receipt_bundle_id IN (${bundle:singlequote}) AND receipt_policy_id IN (${policy:singlequote})
    GROUP BY tenant, application_id, revision
) AS scored USING (tenant, application_id, revision)
WHERE outcome = 'approve' AND score IS NOT NULL
GROUP BY score_from
HAVING count() >= 20
ORDER BY score_from
