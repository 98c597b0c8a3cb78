-- Are decisions of the fast lane made within the budget? Times are counted in bins that are 5 % wide, of which the middle
-- is taken, and by five minutes: those that reach into the window count.
SELECT
    tenant,
    decisions >= {{minimum}} AS enough,
    if(enough, p95_ms / {{p95_ms}}, 0) AS value,
    p95_ms,
    decisions
FROM
(
    SELECT tenant, sum(counted.decisions) AS decisions, quantileExactWeighted(0.95)(number, counted.decisions) AS p95_ms
    FROM loanstream.decisions_by_latency AS counted
    WHERE dimension = 'latency:decision' AND lane = 'fast'
        AND bucket > $__toTime - toIntervalSecond({{window_s}} + 300) AND bucket <= $__toTime
    GROUP BY tenant
)
ORDER BY tenant
