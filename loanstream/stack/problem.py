"""The one error of the embedded stack."""


class StackProblem(Exception):
    """The stack cannot start or go on; the text is one line for a person: what was found and what to do."""
