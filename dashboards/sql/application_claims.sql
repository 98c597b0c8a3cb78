SELECT loan_product AS product, loan_amount, loan_term_years AS years, annual_income, monthly_obligations, cibil_score, currency, revision, tenant
FROM loanstream.applications_log
WHERE application_id = ${application:singlequote} AND tenant IN (${tenant:singlequote})
ORDER BY tenant, revision, kafka_offset
LIMIT 50
