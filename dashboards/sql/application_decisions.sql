SELECT tenant, revision, outcome, p_calibrated, score_final, verification_result AS documents,
    arrayStringConcat(basis, ', ') AS basis, processing_lane AS lane,
    date_diff('millisecond', accepted_at, processing_score_finished_at) AS ms,
    substring(receipt_bundle_id, 1, 15) AS model, substring(receipt_policy_id, 1, 15) AS policy, accepted_at, decision_id
FROM loanstream.decisions_log
WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
ORDER BY tenant, revision, kafka_offset
LIMIT 50
