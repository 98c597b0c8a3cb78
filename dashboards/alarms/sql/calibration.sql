-- Do people who review applications approve as many as the model said they would?
-- p_calibrated is the probability of the label "approved". Only where a person decided is there such a label that the
-- model did not make itself, so this asks about reviewed applications alone, which are no random sample.
WITH
{{part:periods}},
reviewed AS
(
    SELECT
        facts.tenant AS tenant, assumeNotNull(p_calibrated) AS p, people.decision = 'approve' AS approved,
        intDiv(toInt64(toUnixTimestamp(people.kafka_timestamp)) - since + 90 * 86400, 86400) - 90 AS day,
        toInt64(toUnixTimestamp($__toTime)) - since AS age
    FROM loanstream.human_decisions AS people
    INNER JOIN loanstream.decision_facts AS facts
        ON facts.tenant = people.tenant AND facts.application_id = people.application_id
        AND facts.revision = people.revision
    INNER JOIN periods ON periods.tenant = facts.tenant
    WHERE p_calibrated IS NOT NULL
        AND toUnixTimestamp(people.kafka_timestamp) >= since - 90 * 86400
        AND toUnixTimestamp(people.kafka_timestamp) < since + intDiv(toInt64(toUnixTimestamp($__toTime)) - since, 86400) * 86400
        AND (toUnixTimestamp(people.kafka_timestamp) < since OR toUnixTimestamp(decided_at) >= since)
),
counts AS
(
    SELECT tenant, '' AS series, day, toUInt8(round(p * 100)) AS cell, countIf(approved) AS k, count() AS n
    FROM reviewed
    GROUP BY tenant, day, cell
),
expected AS
(
    SELECT tenant, series, day, k, n, greatest(0.005, least(0.995, cell / 100)) AS m FROM counts
),
{{part:share}},
watched AS (SELECT tenant, series FROM learnt),
{{part:detector}},
recent AS
(
    SELECT tenant, count() AS n, avg(approved) AS observed, avg(p) AS predicted
    FROM reviewed
    WHERE day >= 0 AND day >= intDiv(age - {{window_s}}, 86400)
    GROUP BY tenant
)
SELECT
    learnt.tenant AS tenant,
    if(recent.n < {{minimum}}, 0, e_value * {{e_level}}) AS value,
    e_value,
    recent.n AS reviewed,
    observed,
    predicted,
    margin AS tolerance,
    phi AS dispersion
FROM learnt
INNER JOIN e_values ON e_values.tenant = learnt.tenant
LEFT JOIN recent ON recent.tenant = learnt.tenant
ORDER BY tenant
