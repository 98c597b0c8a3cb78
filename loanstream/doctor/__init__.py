"""The doctor: what is well and what is not, on this machine and in the stack that runs at a state directory."""
