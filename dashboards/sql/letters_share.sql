WITH (SELECT count() FROM loanstream.dead_letters WHERE $__timeFilter(at) AND tenant IN (${tenant:singlequote})) AS letters,
    (SELECT sum(decisions) FROM loanstream.decisions_in_all WHERE $__timeFilter(bucket) AND tenant IN (${tenant:singlequote})) AS decided
SELECT letters / nullIf(letters + decided, 0) AS share
