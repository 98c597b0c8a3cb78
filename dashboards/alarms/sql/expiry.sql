-- What ends soon: certificates, tokens' keys, clients' secrets? Of a stage's workers the one whose ends first.
SELECT
    stage,
    what,
    true AS enough,
    {{left_s}} / greatest(1, min(each.left_s)) AS value,
    min(each.left_s) AS left_s,
    argMin(worker, each.left_s) AS whose
FROM
(
    SELECT
        stage, labels['what'] AS what, worker,
        argMax(value, at) - (toUnixTimestamp($__toTime) - toUnixTimestamp(max(at))) AS left_s
    FROM loanstream.service_metrics
    WHERE name = 'expires_in_seconds' AND at > $__toTime - toIntervalSecond({{window_s}}) AND at <= $__toTime
    GROUP BY stage, what, worker
) AS each
GROUP BY stage, what
ORDER BY stage, what
