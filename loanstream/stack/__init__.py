"""The embedded stack: a real Kafka broker, the warehouse and the workers as children of one process."""
