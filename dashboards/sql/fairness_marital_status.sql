-- Groups of fewer than 20 are not shown. The ratio is to the group with the highest share of approvals; between its bounds
-- it lies in 95 of 100 samples of these sizes (Katz: normal on the log scale).
SELECT marital_status, decisions, approved, referred, declined, approved / nullIf(best.1, 0) AS impact_ratio,
    if((approved, decisions) = best, NULL, impact_ratio * exp(-1.96 * spread)) AS at_least,
    if((approved, decisions) = best, NULL, impact_ratio * exp(1.96 * spread)) AS at_most, score
FROM
(
    SELECT *, max((approved, decisions)) OVER () AS best,
        sqrt((1 - approved) / nullIf(approved * decisions, 0) + (1 - best.1) / nullIf(best.1 * best.2, 0)) AS spread
    FROM
    (
        SELECT value AS marital_status, sum(d.decisions) AS decisions,
            sumIf(d.decisions, outcome = 'approve') / sum(d.decisions) AS approved,
            sumIf(d.decisions, outcome = 'refer') / sum(d.decisions) AS referred,
            sumIf(d.decisions, outcome = 'decline') / sum(d.decisions) AS declined,
            sum(score_sum) / nullIf(sum(scored), 0) AS score
        FROM loanstream.decisions_by_group AS d
        WHERE dimension = 'marital_status' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
        GROUP BY value
        HAVING sum(d.decisions) >= 20
    )
)
ORDER BY marital_status
