"""The gateway's paths, one file a family."""
