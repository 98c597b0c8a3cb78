"""The embedded warehouse: the ClickHouse engine (chdb) behind ClickHouse's HTTP protocol.

One process owns the data directory; clickhouse-connect, the workers, the CLI and Grafana speak HTTP to it.
"""
