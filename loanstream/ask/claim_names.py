"""Claims by the names that the bank gave them: the warehouse's columns are flat, the event is not."""

from functools import cache

from pydantic import BaseModel

from schemas.application import LoanApplication


def claim_of(column: str) -> str:
    """The event's path of a column of `applications_log`.

    >>> claim_of("loan_term_years"), claim_of("annual_income")
    ('loan.term_years', 'annual_income')
    """
    return _paths().get(column, column)


@cache
def _paths() -> dict[str, str]:
    parts = {
        name: field.annotation
        for name, field in LoanApplication.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    return {f"{part}_{name}": f"{part}.{name}" for part, model in parts.items() for name in model.model_fields}
