"""Making a Kafka and a warehouse ready for loanstream."""
