"""The warehouse from its clients' side: connections, migrations, encrypted columns, rows read in pages."""
