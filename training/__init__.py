"""From data to a validated, calibrated model bundle with its card."""
