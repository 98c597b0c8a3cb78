SELECT tenant, revision, accepted_at, currency, loan_amount, loan_term_years AS years, annual_income, cibil_score, monthly_obligations, loan_product AS product
FROM loanstream.applications_log
WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
ORDER BY tenant, revision, kafka_offset
LIMIT 50
