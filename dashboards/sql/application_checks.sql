SELECT c.claim AS claim, c.result AS result, ifNull(c.field, '') AS field, c.similarity AS similarity, ifNull(c.label, '') AS label, revision, tenant
FROM loanstream.verifications_log
ARRAY JOIN checks AS c
WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
ORDER BY tenant, revision, kafka_offset
LIMIT 100
