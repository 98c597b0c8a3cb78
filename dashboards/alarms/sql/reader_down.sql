-- Can documents be read? Counted are applications that came with documents, each by its first decision. The hours that
-- figures are counted by are too long for this.
SELECT
    tenant,
    applications >= {{minimum}} AS enough,
    if(enough, unavailable / applications / {{share}}, 0) AS value,
    unavailable / applications AS share,
    applications
FROM
(
    SELECT tenant, count() AS applications, countIf(verification_result = 'unavailable') AS unavailable
    FROM
    (
        SELECT tenant, verification_result
        FROM loanstream.decisions_log
        WHERE hour >= toStartOfHour($__toTime - toIntervalSecond({{window_s}})) AND hour <= $__toTime
            AND accepted_at > $__toTime - toIntervalSecond({{window_s}}) AND accepted_at <= $__toTime
            AND verification_result != 'not_provided'
            AND (tenant, kafka_topic, kafka_partition, kafka_offset) NOT IN
                (SELECT tenant, kafka_topic, kafka_partition, kafka_offset FROM loanstream.decision_repeats_log)
        LIMIT 1 BY kafka_topic, kafka_partition, kafka_offset
    )
    GROUP BY tenant
)
ORDER BY tenant
