"""The HTTP gateway's process: `python -m loanstream.gateway`. What it answers is `producers.gateway`'s.

Read in this order: `parts` (the table of what the gateway is made of), `keys` (the provider's), `watches` (what its
readiness asks), `protocol` (what a connection may do before a request is there), `logs`, `server`, `child` (its row in
the process table of the embedded stack).
"""
