SELECT e.kind AS kind, e.status AS status, ifNull(e.reason, '') AS reason, e.reader AS reader, e.lane AS lane, e.pages AS pages,
    arrayStringConcat(e.findings, ', ') AS findings, revision, tenant
FROM loanstream.verifications_log
ARRAY JOIN extractions AS e
WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
ORDER BY tenant, revision, kafka_offset
LIMIT 100
