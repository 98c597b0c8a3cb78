"""How files write that a value is not there."""

MISSING: tuple[str, ...] = (
    "", "?", "NA", "N/A", "n/a", "na", "#N/A", "<NA>", "NaN", "nan", "NAN", "NULL", "Null", "null", "None", ".", "-",
    "--",
)  # fmt: skip
"""Cells that stand for a missing value in every column, unless a specification says otherwise."""

WORDS_FOR_MISSING: frozenset[str] = frozenset(
    {"none", "missing", "unknown", "not available", "not applicable", "not given", "no data", "nil", "*", "#div/0!"}
)
"""More of them, in small letters, where the column holds numbers; in a column of words these are words."""
