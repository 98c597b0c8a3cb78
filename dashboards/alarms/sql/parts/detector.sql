-- From gains (tenant, series, day, gain by tilt) and watched (tenant, series) to e_values: sequential.py's paths, at the
-- end of the last day. Every day is as likely a first day of a change as any other; series and tilts weigh the same.
walks AS
(
    SELECT
        tenant, series,
        arraySort(pair -> pair.1, groupArray((toInt32(day), gain))) AS steps,
        arrayDifference(arrayConcat([-1], arrayMap(step -> step.1, steps))) AS gaps,
        arrayAvg(arrayMap(
            j -> arrayFold(
                (r, step, gap) -> least((r + gap / 365) * exp(least(step.2[j], 400)), 1e100),
                steps, arrayPopFront(gaps), toFloat64(0)),
            range(1, length(steps[1].2) + 1))) + 1 - (steps[-1].1 + 1) / 365 AS e
    FROM gains
    GROUP BY tenant, series
),
e_values AS
(
    SELECT
        watched.tenant AS tenant,
        avg(if(length(walks.steps) = 0, 1, walks.e)) AS e_value,
        argMax(watched.series, if(length(walks.steps) = 0, 1, walks.e)) AS most
    FROM watched
    LEFT JOIN walks ON walks.tenant = watched.tenant AND walks.series = watched.series
    GROUP BY tenant
)
