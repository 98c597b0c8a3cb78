SELECT kafka_timestamp AS time, concat('Activation by ', actor) AS title, reason AS text,
    concat(ifNull(tenant, 'all banks'), if(bundle_id IS NULL, '', ',model'), if(policy_id IS NULL, '', ',policy')) AS tags
FROM loanstream.activations
WHERE $__timeFilter(kafka_timestamp) AND (tenant IS NULL OR tenant IN (${tenant:singlequote}))
ORDER BY time
