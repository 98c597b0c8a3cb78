"""What docker-compose.yml runs once, before anything else: certificates for the names of its services."""
