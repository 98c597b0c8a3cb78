"""Document readers: a stranger's file in, fields with confidence out."""
