"""The command line: `main` knows the verbs, `loanstream/cli/<verb>.py` is the verb."""
