"""Clients of banks and downstream services: publishing, reading decisions, files, synthetic applications and documents."""
