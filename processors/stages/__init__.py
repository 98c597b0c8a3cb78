"""The stages: each a function from a batch of records to the records it makes."""
