-- Can documents be read? Counted are applications that came with documents.
SELECT
    tenant,
    if(applications < {{minimum}}, 0, unavailable / applications / {{share}}) AS value,
    unavailable / applications AS share,
    applications
FROM
(
    SELECT tenant, count() AS applications, countIf(verification_result = 'unavailable') AS unavailable
    FROM loanstream.decision_facts
    WHERE verification_result != 'not_provided'
        AND decided_at > $__toTime - toIntervalSecond({{window_s}}) AND decided_at <= $__toTime
    GROUP BY tenant
)
ORDER BY tenant
