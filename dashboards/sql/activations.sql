SELECT kafka_timestamp AS at, ifNull(tenant, 'all banks') AS bank, actor, reason,
    substring(ifNull(bundle_id, ''), 1, 15) AS model, substring(ifNull(policy_id, ''), 1, 15) AS policy
FROM loanstream.activations
WHERE tenant IS NULL OR tenant IN (${tenant:singlequote})
ORDER BY at DESC
LIMIT 20
