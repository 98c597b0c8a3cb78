-- A referral waits for a person: it is neither agreed with nor overridden.
SELECT outcome AS machine, decision AS human, count() AS reviews,
    multiIf(outcome = 'refer', 'decided', outcome = decision, 'agreed', 'overridden') AS meaning
FROM
(
    SELECT tenant, application_id, revision, decision
    FROM loanstream.human_decisions
    WHERE $__timeFilter(kafka_timestamp) AND tenant IN (${tenant:singlequote})
) AS people
INNER JOIN
(
    SELECT tenant, application_id, revision, argMin(outcome, kafka_offset) AS outcome
    FROM loanstream.decisions_log
    WHERE (tenant, application_id, revision) IN
        (SELECT tenant, application_id, revision FROM loanstream.human_decisions WHERE $__timeFilter(kafka_timestamp) AND tenant IN (${tenant:singlequote}))
    GROUP BY tenant, application_id, revision
) AS machines USING (tenant, application_id, revision)
GROUP BY machine, human, meaning
ORDER BY machine, human
