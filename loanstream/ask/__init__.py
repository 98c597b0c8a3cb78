"""Questions to a running installation, answered as plain data: decisions, show, reconcile, replay."""
