"""What is kept: documents, artefacts, keys, the warehouse. Each store behind one port."""
