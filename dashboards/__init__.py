"""What risk teams look at, as code: the queries behind every figure."""
