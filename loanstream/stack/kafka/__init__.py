"""The embedded broker: an Apache Kafka of one node from cached jars."""
