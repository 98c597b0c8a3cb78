"""The error that a person can mend, in whichever room it is met."""

from typing import ClassVar


class Problem(Exception):
    """What a person can mend; the text is one line that says what was found and what is expected, or what to do.

    The command line writes that line and ends with `exit_code`. Whatever is no `Problem` is a fault of ours: its trace
    is wanted.
    """

    exit_code: ClassVar[int] = 1


class WrongOption(Problem):
    """A command line that is wrong by itself, whatever it is run on: a value that the option does not know, or options
    that do not go together. A name of which nothing is there (a file, a bundle, a bank) is none.
    """

    exit_code: ClassVar[int] = 2
