"""The table of panels as Grafana takes it: Classic JSON for files and the HTTP API, rules for its alerting."""
