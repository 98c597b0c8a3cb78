"""Banks come and go while everything runs: added, listed, given new secrets, removed.

Read in this order: `book` (who is served: the one list that running processes follow), `rights` (a bank's share of the
table of access), `broker` (what is asked of Kafka), `work` (what a verb works on), `adding`, `removing` and `renewing`
(what is done, the first two as tables of steps), `standing` (where each bank stands).
"""
