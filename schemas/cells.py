"""A cell of a CSV as the field of an application that it holds: text alone, read as a file of applications has it."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.application import LoanApplication
from schemas.expected import expected

WHOLE_NUMBERS = frozenset({"revision", "cibil_score", "applicant.dependents"})

WRITTEN: Mapping[str, str] = {
    "applicant.education": "Graduate or Not Graduate",
    "applicant.self_employed": "Yes or No",
}
"""Fields that a CSV writes in another way than JSON does."""


class CellError(ValueError):
    """A cell that its field cannot hold; the text says what is expected, and nothing of what was found."""


def spelled(field: str, text: str) -> str:
    """A cell's text as the field of LoanApplication at the path `field` takes it.

    >>> spelled("applicant.education", "Not Graduate"), spelled("cibil_score", "7_78")
    ('not_graduate', '7 78')
    """
    if field == "applicant.education":
        return "_".join(text.lower().split())
    # Pydantic takes "7_78" for 778. A typing error is not a score.
    return text.replace("_", " ") if field in WHOLE_NUMBERS else text


def read_cell(field: str, text: str) -> Any:
    """The value that a cell gives the field at the path `field`: None for a blank one where the field may be missing.

    Raises CellError for what no application may have.

    >>> read_cell("cibil_score", "778"), read_cell("cibil_score", " "), read_cell("applicant.self_employed", "Yes")
    (778, None, True)
    >>> read_cell("cibil_score", "7780")
    Traceback (most recent call last):
    schemas.cells.CellError: expected an integer from 300 to 900
    """
    needed, reader = _reader(field)
    if not needed and not text.strip():
        return None
    try:
        return reader.validate_strings(spelled(field, text.strip()), strict=False)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False)[0]
        said = WRITTEN.get(field) or expected(LoanApplication, {**detail, "loc": tuple(field.split("."))})
        raise CellError(f"expected {said}") from None


@cache
def _reader(field: str) -> tuple[bool, TypeAdapter[Any]]:
    """Whether the field must be there, and what reads its values."""
    model: type[BaseModel] = LoanApplication
    *rooms, name = field.split(".")
    for room in rooms:
        inner = model.model_fields[room].annotation
        assert isinstance(inner, type)
        model = inner
    found = model.model_fields[name]
    kind: Any = Annotated[found.annotation, found]
    return found.is_required(), TypeAdapter(kind)
