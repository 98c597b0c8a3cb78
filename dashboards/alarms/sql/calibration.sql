-- Do people who review applications approve as many as the model said they would?
-- p_calibrated is the probability of the label "approved". Only where a person decided is there such a label that the
-- model did not make itself, so this asks about reviewed applications alone, which are no random sample.
WITH
{{part:periods}},
people AS
(
    SELECT
        human.tenant AS tenant, application_id, revision, human.decision = 'approve' AS approved, since,
        intDiv(toInt64(toUnixTimestamp($__toTime)) - since, 86400) AS last,
        intDiv(toInt64(toUnixTimestamp(kafka_timestamp)) - since + 90 * 86400, 86400) - 90 AS day
    FROM loanstream.human_decisions AS human
    INNER JOIN periods ON periods.tenant = human.tenant
    WHERE toUnixTimestamp(kafka_timestamp) >= since - 90 * 86400 AND kafka_timestamp <= $__toTime AND day < last
),
said AS
(
    SELECT
        tenant, application_id, revision,
        argMin(tuple(p_calibrated), kafka_offset).1 AS p, argMin(log.accepted_at, kafka_offset) AS accepted_at
    FROM loanstream.decisions_log AS log
    WHERE (tenant, application_id, revision) IN (SELECT tenant, application_id, revision FROM people)
    GROUP BY tenant, application_id, revision
),
reviewed AS
(
    SELECT said.tenant AS tenant, assumeNotNull(said.p) AS p, people.approved AS approved, people.day AS day, people.last AS last
    FROM said
    INNER JOIN people USING (tenant, application_id, revision)
    WHERE said.p IS NOT NULL AND (people.day < 0 OR toUnixTimestamp(said.accepted_at) >= people.since)
),
counts AS
(
    SELECT
        tenant, last, day, toUInt8(round(p * 100)) AS cell, countIf(approved) AS k, count() AS n, sum(p) AS predicted
    FROM reviewed
    GROUP BY tenant, last, day, cell
),
rated AS
(
    SELECT
        tenant, '' AS series, day, k, n, greatest(0.005, least(0.995, cell / 100)) AS m,
        (
            sumIf(n, day >= 0 AND day >= last - {{window_days}}) OVER bank,
            sumIf(k, day >= 0 AND day >= last - {{window_days}}) OVER bank,
            sumIf(predicted, day >= 0 AND day >= last - {{window_days}}) OVER bank
        ) AS also
    FROM counts
    WINDOW bank AS (PARTITION BY tenant)
),
{{part:share}},
{{part:detector}}
SELECT
    tenant,
    also.1 >= {{minimum}} AS enough,
    if(enough, e * {{e_level}}, 0) AS value,
    e AS e_value,
    also.1 AS reviewed,
    also.2 / also.1 AS observed,
    also.3 / also.1 AS predicted,
    margin AS tolerance,
    phi AS dispersion
FROM watched
ORDER BY tenant
