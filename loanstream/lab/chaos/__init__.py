"""Chaos: a running stack under load and a table of faults, and a verifier that trusts nobody.

Every record that goes in has exactly one outcome that comes out: a decision or a dead letter. An outcome names the
record it answers by its trace (the hash of topic, partition and offset), so each one can be matched, and a second one
or a missing one is seen. The `witness` is a process of its own that was there before the first fault; `load` publishes
at a steady rate; `faults` is the table; `run` goes through it and counts.
"""
