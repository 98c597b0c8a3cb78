-- Groups of fewer than 20 are not shown. The ratio is to the group with the highest share of approvals.
SELECT age_band, decisions, approved, referred, declined, approved / nullIf(max(approved) OVER (), 0) AS impact_ratio, score
FROM
(
    SELECT value AS age_band, sum(d.decisions) AS decisions,
        sumIf(d.decisions, outcome = 'approve') / sum(d.decisions) AS approved,
        sumIf(d.decisions, outcome = 'refer') / sum(d.decisions) AS referred,
        sumIf(d.decisions, outcome = 'decline') / sum(d.decisions) AS declined,
        sum(score_sum) / nullIf(sum(scored), 0) AS score
    FROM loanstream.decisions_by_group AS d
    WHERE dimension = 'age_band' AND $__timeFilter(bucket) AND tenant IN (${tenant:singlequote}) AND bundle_id IN (${bundle:singlequote}) AND policy_id IN (${policy:singlequote})
    GROUP BY value
    HAVING sum(d.decisions) >= 20
)
ORDER BY age_band
