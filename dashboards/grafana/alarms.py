"""The groups of alert rules that Grafana gets."""

from dashboards.grafana.rules import Group

GROUPS: tuple[Group, ...] = ()
