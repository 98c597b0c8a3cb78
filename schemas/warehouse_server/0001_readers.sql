-- What all readers of a ClickHouse server have in common. Every statement may run again. The embedded engine refuses
-- them: it has no accounts of its own. docs/readers-of-a-server.md says how they are applied.

-- The longest that a query may take is the reader's to choose, within bounds: Grafana sends it with every query.
CREATE SETTINGS PROFILE IF NOT EXISTS loanstream_readers SETTINGS readonly = 1;
ALTER SETTINGS PROFILE loanstream_readers SETTINGS
    readonly = 1,
    max_execution_time = 30 MIN 1 MAX 120 CHANGEABLE_IN_READONLY,
    max_memory_usage = 1073741824 CONST;

-- The operator's readers: every bank.
CREATE ROLE IF NOT EXISTS loanstream_risk;
ALTER ROLE loanstream_risk SETTINGS PROFILE loanstream_readers;
GRANT SELECT ON loanstream.* TO loanstream_risk;
