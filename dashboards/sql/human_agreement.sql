-- A referral waits for a person: it is neither agreed with nor overridden. The first human decision counts.
SELECT machine, human, count() AS reviews, multiIf(machine = 'refer', 'decided', machine = human, 'agreed', 'overridden') AS meaning
FROM
(
    SELECT any(outcome) AS machine, argMin(reviewed.human, (kafka_offset, kafka_partition)) AS human,
        argMin(kafka_timestamp, (kafka_offset, kafka_partition)) AS at
    FROM loanstream.outcomes_decided AS reviewed
    WHERE kind = 'human_decision' AND tenant IN (${tenant:singlequote})
    GROUP BY revision_key
)
WHERE $__timeFilter(at)
GROUP BY machine, human, meaning
ORDER BY machine, human
