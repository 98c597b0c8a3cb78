"""Clients of banks and services: publishing, reading decisions, files, synthetic applications and documents."""
