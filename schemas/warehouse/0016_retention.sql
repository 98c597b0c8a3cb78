-- Retention takes rows of a table with a TTL (`loanstream install` sets it). What was counted of them stays: an hour
-- whose rows went is not counted again, however late a record of it comes.

-- Since when every row that an hour is counted of is there.
CREATE VIEW IF NOT EXISTS loanstream.rows_since AS
SELECT if(count() = 0, toDateTime(0), now() - toIntervalDay(min(days))) AS since
FROM
(
    SELECT toUInt32OrZero(extract(engine_full, ' TTL .*toIntervalDay\\((\\d+)\\)')) AS days
    FROM system.tables
    WHERE database = 'loanstream' AND engine_full LIKE '% TTL %'
        AND name IN ('applications_log', 'monitoring_log', 'verifications_log', 'features_log', 'decisions_log')
);

CREATE OR REPLACE VIEW loanstream.hours_state AS
SELECT
    touched.hour AS hour,
    touched.at AS touched_at,
    counted.at AS counted_at,
    counted.at > touched.at + INTERVAL 10 MINUTE
        OR (counted.at > toDateTime64(0, 3) AND touched.hour < (SELECT since FROM loanstream.rows_since)) AS is_counted
FROM (SELECT hour, max(at) AS at FROM loanstream.hours_touched GROUP BY hour) AS touched
LEFT JOIN (SELECT hour, max(counted_at) AS at FROM loanstream.hours_counted GROUP BY hour) AS counted USING (hour);
