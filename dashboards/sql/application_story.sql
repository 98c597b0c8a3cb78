SELECT at, what, says FROM
(
    SELECT accepted_at AS at, 'application accepted' AS what, concat('revision ', toString(revision)) AS says
    FROM loanstream.applications_log WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
    UNION ALL
    SELECT processing_finished_at, concat('documents checked in the ', processing_lane, ' lane'), toString(verification_result)
    FROM loanstream.verifications_log WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
    UNION ALL
    SELECT processing_score_finished_at, 'decided', concat(outcome, if(empty(reasons), '', concat(': ', reasons[1].text)))
    FROM loanstream.decisions_log WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
    UNION ALL
    SELECT kafka_timestamp, if(kind = 'repayment', 'repayment', 'decided by a person'), concat(ifNull(repayment, ''), ifNull(decision, ''), if(reason IS NULL, '', concat(': ', assumeNotNull(reason))))
    FROM loanstream.outcomes_log WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
    UNION ALL
    SELECT at, concat('dead letter of ', stage), toString(cause)
    FROM loanstream.dead_letters_log WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
)
ORDER BY at
LIMIT 200
