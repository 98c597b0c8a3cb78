-- What ends soon: certificates, tokens' keys, clients' secrets?
SELECT
    what,
    true AS enough,
    {{left_s}} / greatest(1, left_s) AS value,
    left_s
FROM
(
    SELECT
        labels['what'] AS what,
        argMax(value, at) - (toUnixTimestamp($__toTime) - toUnixTimestamp(max(at))) AS left_s
    FROM loanstream.service_metrics
    WHERE name = 'expires_in_seconds' AND at > $__toTime - toIntervalSecond({{window_s}}) AND at <= $__toTime
    GROUP BY what
)
ORDER BY what
