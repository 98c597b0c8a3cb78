"""What is called the same in the dashboards, in provisioning and at a Grafana that `apply` speaks to."""

from pathlib import Path

DATASOURCE_TYPE = "grafana-clickhouse-datasource"
DATASOURCE_UID = "loanstream-warehouse"
"""The one place of it: dashboards name a variable, whose first value this is; alert rules cannot have variables."""
DATASOURCE_NAME = "loanstream"
DATASOURCE_VARIABLE = "datasource"
CHOSEN = f"${{{DATASOURCE_VARIABLE}}}"
"""The data source that a reader chose, as panels name it."""

PLUGIN_VERSION = "4.20.0"
"""Of the ClickHouse plugin that queries are written for."""

FOLDER_UID = "loanstream"
FOLDER_TITLE = "Loanstream"
TAG = "loanstream"

GENERATED = Path(__file__).parent / "generated"
"""The dashboards' JSON, a file each, `<uid>.json`: committed, part of the package, and what files and `apply` carry."""
