"""The document store: documents and what was read from them, by tenant and content hash, encrypted."""
