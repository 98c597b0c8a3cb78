"""The validation report: everything that was measured of a model, in one file that a person reads."""
