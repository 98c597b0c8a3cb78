-- Approved only. KS: the greatest distance between the shares of good and bad loans below a score; Gini: of the same.
WITH
    loans AS
    (
        SELECT assumeNotNull(score) AS score, countIf(repayment = 'defaulted') AS bad, countIf(repayment != 'defaulted') AS good
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
        GROUP BY score
    ),
    steps AS
    (
        SELECT good, bad,
            sum(bad) OVER (ORDER BY score ROWS UNBOUNDED PRECEDING) AS bad_below,
            sum(good) OVER (ORDER BY score ROWS UNBOUNDED PRECEDING) AS good_below
        FROM loans
    )
SELECT sum(bad) AS defaulted, sum(good) AS others,
    if(defaulted < 20 OR others < 20, NULL, max(abs(bad_below / (SELECT sum(bad) FROM loans) - good_below / (SELECT sum(good) FROM loans)))) AS ks,
    if(defaulted < 20 OR others < 20, NULL, 2 * sum(good * (bad_below - bad / 2)) / (sum(good) * (SELECT sum(bad) FROM loans)) - 1) AS gini,
    if(defaulted < 20 OR others < 20, 'approved only; fewer than 20 defaulted or 20 others: no figure', 'approved only') AS note
FROM steps
