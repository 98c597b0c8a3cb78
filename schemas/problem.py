"""The error that a person can mend, in whichever room it is met."""


class Problem(Exception):
    """What a person can mend; the text is one line that says what was found and what is expected, or what to do.

    The command line writes that line and ends with 1. Whatever is no `Problem` is a fault of ours: its trace is wanted.
    """
