-- From gained (tenant, series, steps: what each day gains by tilt, and whatever goes with it) to watched: with e, the
-- e-process of the series at the end of the last step. sequential.py's paths. Every day is as likely a first day of a
-- change as any other, and tilts weigh the same.
watched AS
(
    SELECT
        gained.*,
        arraySort(step -> step.1, steps) AS walk,
        arrayPopFront(arrayDifference(arrayConcat([toInt64(-1)], arrayMap(step -> step.1, walk)))) AS gaps,
        if(empty(walk), 1, 1 - (walk[-1].1 + 1) / 365 + arrayAvg(arrayMap(
            j -> arrayFold(
                (r, step, gap) -> least((r + gap / 365) * exp(least(step.2[j], 400)), 1e100),
                walk, gaps, toFloat64(0)),
            range(1, length({{tilts}}) + 1)))) AS e
    FROM gained
)
