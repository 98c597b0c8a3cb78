"""The record stage's half of the warehouse: migrations, rows, encrypted columns and the sink that writes them."""
