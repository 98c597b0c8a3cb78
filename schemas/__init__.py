"""The contracts: events, topics, reason codes, examples and the warehouse's tables. Imports nothing of ours."""
