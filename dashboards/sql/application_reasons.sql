SELECT tenant, revision, reason.code AS code, reason.text AS says, reason.points AS points, if(reason.decisive, 'decides', '') AS decisive, reason.value AS value
FROM loanstream.decisions_log
ARRAY JOIN reasons AS reason
WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
ORDER BY tenant, revision, kafka_offset, reason.decisive DESC, abs(ifNull(reason.points, 0)) DESC
LIMIT 100
