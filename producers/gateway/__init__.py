"""The HTTP gateway: applications, documents, decisions and reviews over HTTPS, for banks that do not speak Kafka.

Read in this order: `problems` (what a refusal looks like), `callers` (who asks, by the token alone), `parts` (what the
composition root hands in), `routes/` (one file a family of paths), `app` (how they make a server).

Nothing here decides or scores: an application goes the way of every other, through `loan.applications.v1.<tenant>`.
"""
