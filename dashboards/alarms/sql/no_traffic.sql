-- Has a bank been silent for longer than its last 90 days explain?
-- Silence is measured in applications that its own hours (of working and of free days) would have brought.
WITH
toInt64(intDiv(toUnixTimestamp($__toTime), 3600)) AS this_hour,
by_hour AS
(
    SELECT tenant, toInt64(intDiv(toUnixTimestamp(bucket), 3600)) AS hour, sum(decisions) AS n
    FROM loanstream.decisions_in_all
    WHERE bucket > $__toTime - toIntervalDay(90) AND bucket <= $__toTime
    GROUP BY tenant, hour
),
hours AS
(
    SELECT tenant, arrayJoin(range(toUInt64(first), toUInt64(this_hour) + 1)) AS hour
    FROM (SELECT tenant, min(hour) AS first FROM by_hour GROUP BY tenant)
    WHERE this_hour - first >= 24 * {{least_days}}
),
dense AS
(
    SELECT
        hours.tenant AS tenant, hours.hour AS hour, by_hour.n AS n,
        toHour(toDateTime(hours.hour * 3600, 'UTC')) + 24 * (toDayOfWeek(toDateTime(hours.hour * 3600, 'UTC')) >= 6) AS cell
    FROM hours
    LEFT JOIN by_hour ON by_hour.tenant = hours.tenant AND toUInt64(by_hour.hour) = hours.hour
),
awaited AS
(
    SELECT
        tenant, hour, n,
        avg(n) OVER (PARTITION BY tenant, cell)
            * if(hour = toUInt64(this_hour), (toUnixTimestamp($__toTime) % 3600) / 3600, 1) AS due,
        sum(n > 0) OVER (PARTITION BY tenant ORDER BY hour) AS stretch
    FROM dense
),
stretches AS
(
    SELECT tenant, stretch, sumIf(due, n = 0) AS missing
    FROM awaited
    GROUP BY tenant, stretch
)
SELECT
    tenant,
    true AS enough,
    missing_now / greatest({{minimum}}, {{times}} * longest) AS value,
    missing_now,
    longest AS longest_before
FROM
(
    SELECT
        tenant, argMax(missing, stretch) AS missing_now,
        arrayMax(arrayConcat([0.], arrayPopBack(arrayMap(
            pair -> pair.2, arraySort(pair -> pair.1, groupArray((stretch, missing))))))) AS longest
    FROM stretches
    GROUP BY tenant
)
ORDER BY tenant
