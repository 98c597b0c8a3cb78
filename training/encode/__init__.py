"""Typed columns as numbers that models take; whatever is learned from rows is learned from those a model may see."""
