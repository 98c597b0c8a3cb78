-- Do records wait longer for a stage than for a moment? The least that waited at any time of the window counts.
SELECT stage, minutes >= {{minimum}} AS enough, if(enough, waiting / {{waiting}}, 0) AS value, waiting
FROM
(
    SELECT stage, min(together) AS waiting, count() AS minutes
    FROM
    (
        SELECT stage, minute, sum(last) AS together
        FROM
        (
            SELECT stage, worker, toStartOfMinute(at) AS minute, argMax(value, at) AS last
            FROM loanstream.service_metrics
            WHERE name = 'waiting_offsets' AND at > $__toTime - toIntervalSecond({{window_s}}) AND at <= $__toTime
            GROUP BY stage, worker, minute
        )
        GROUP BY stage, minute
    )
    GROUP BY stage
)
ORDER BY stage
