"""Every dashboard, in the order in which they are listed."""

from dashboards.panels import Dashboard
from dashboards.today import TODAY

DASHBOARDS: dict[str, Dashboard] = {dashboard.uid: dashboard for dashboard in (TODAY,)}
