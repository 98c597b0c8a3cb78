"""The verify stage and its two lanes."""
