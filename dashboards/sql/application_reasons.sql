SELECT reason.text AS says, reason.points AS points, if(reason.decisive, 'yes', '') AS decisive, reason.value AS value, reason.code AS code, revision, tenant
FROM loanstream.decisions_log
ARRAY JOIN reasons AS reason
WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
ORDER BY tenant, revision, kafka_offset, reason.decisive DESC, abs(ifNull(reason.points, 0)) DESC
LIMIT 100
