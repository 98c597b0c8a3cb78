"""What somebody may have meant by a field that an object does not have: by names of ours alone."""

from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel

from schemas import public_loans
from schemas.expected import Path, names_at
from schemas.nearest import LONGEST, nearest, plain

WORD_LEAST = 3
"""Characters: a shorter word stands in too many names."""


class Hint(NamedTuple):
    """The name or path of ours that an unknown name resembles (None: it is one of ours), and the end of a sentence."""

    like: str | None
    says: str


def hint(model: type[BaseModel], at: Path, name: str) -> Hint | None:
    """What `name` was to be in the object at the path `at`; None where nothing is like it.

    A slip is looked for among the names of that object, as another object's would mislead.

    >>> from schemas.application import LoanApplication
    >>> hint(LoanApplication, (), "income_annum").like, hint(LoanApplication, ("loan",), "term").like
    ('annual_income', 'term_years')
    >>> hint(LoanApplication, ("monitoring",), "religion")
    """
    homes = _places(model).get(name)
    if homes is not None:
        rooms = sorted(place or "the event itself" for place in homes)
        return Hint(None, f"; {name} belongs into {' or '.join(rooms)}")
    here = names_at(model, at)
    near = nearest(name, here) or _by_words(name, here)
    if near is not None:
        return Hint(near, f"; nearest known name: {near}")
    path = _elsewhere(model, name)
    return None if path is None else Hint(path, f"; that is {path} here")


def _by_words(name: str, names: tuple[str, ...]) -> str | None:
    """The one name that holds every word of `name`."""
    words = _words(name)
    if min(map(len, words), default=0) < WORD_LEAST:
        return None
    found = [one for one in names if words <= _words(one)]
    return found[0] if len(found) == 1 else None


def _elsewhere(model: type[BaseModel], name: str) -> str | None:
    """The path of a field that other files know by `name`, or whose path has the same words."""
    paths = {path: _words(path) for path in _paths(model)}
    known = public_loans.FIELDS.get(plain(name)) if len(name) <= LONGEST else None
    if known in paths:
        return known
    return next((path for path, words in paths.items() if words == _words(name)), None)


def _words(name: str) -> frozenset[str]:
    return frozenset(plain(name).split("_")) if name and len(name) <= LONGEST else frozenset()


@cache
def _paths(model: type[BaseModel]) -> tuple[str, ...]:
    places = _places(model)
    return tuple(sorted(f"{place}.{name}" if place else name for name in places for place in places[name]))


@cache
def _places(model: type[BaseModel]) -> dict[str, set[str]]:
    """Field name -> the paths of the objects that have it; the event itself is the empty path."""
    root = model.model_json_schema()
    found: dict[str, set[str]] = {}

    def walk(schema: Any, path: str) -> None:
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
        for name, field in schema.get("properties", {}).items():
            found.setdefault(name, set()).add(path)
            for part in (field, field.get("items", {}), *field.get("anyOf", ())):
                walk(part, f"{path}.{name}" if path else name)

    walk(root, "")
    return found
