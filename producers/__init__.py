"""Clients that publish: library, file reading, synthetic applications and documents."""
