"""Benchmarks: figures that compare within one run, because machines are noisy."""
