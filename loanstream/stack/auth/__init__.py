"""The embedded stack's token server: OAuth 2.0 client credentials, RFC 9068 access tokens, keys that rotate.

Read in this order: `scopes` (who may what), `paths`, `hashes`, `clients` and `registration` (who there is), `ring` (the
keys, pure) and `ring_file`, `keyring` and `client_book` (the server's view of the files), `tokens`, `guard` (what wrong
secrets may cost), `refusals`, `requests`, `authorization` (Authlib's server), `app` (its pages), `child` (its row in
the process table).
"""
