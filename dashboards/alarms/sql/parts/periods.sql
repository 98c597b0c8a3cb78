-- Who is watched since when (seconds since 1970). A period begins at the first whole hour after the last activation, and
-- again every 365 days: decisions are counted by hours. The 90 days before it are its baseline, so a bank's first 90
-- days are learnt from and not watched.
activated AS
(
    SELECT bank, max(at) AS latest
    FROM
    (
        SELECT ifNull(tenant, '') AS bank, toInt64(toUnixTimestamp(kafka_timestamp)) + intDiv(lead_ms, 1000) AS at
        FROM loanstream.activations
    )
    WHERE at <= toUnixTimestamp($__toTime)
    GROUP BY bank
),
begun AS
(
    SELECT
        counted.tenant AS tenant,
        greatest(
            toInt64(toUnixTimestamp(min(first_at))) + 90 * 86400,
            any(own.latest),
            ifNull((SELECT max(latest) FROM activated WHERE bank = ''), 0)) AS known,
        intDiv(known + 3599, 3600) * 3600 AS start
    FROM loanstream.deciders_log AS counted
    LEFT JOIN activated AS own ON own.bank = counted.tenant
    WHERE first_at <= $__toTime
    GROUP BY tenant
),
periods AS
(
    SELECT tenant, start + 365 * 86400 * intDiv(toInt64(toUnixTimestamp($__toTime)) - start, 365 * 86400) AS since
    FROM begun
    WHERE start <= toUnixTimestamp($__toTime)
)
