"""The dashboards in a browser, without Grafana: the same table of panels, the same SQL."""
