"""The laboratory: benchmarks, rivals, chaos."""
