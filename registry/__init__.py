"""Which bundle and policy decide, since when: the control topic, its history, the scorers that follow from it."""
