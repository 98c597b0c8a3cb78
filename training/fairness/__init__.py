"""Whom a model favours: figures of groups with intervals, against legal yardsticks; proxies; what mitigation costs."""
