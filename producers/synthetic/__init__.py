"""Synthetic applicants, their applications and the documents that agree with them, or do not. All from a seed."""
