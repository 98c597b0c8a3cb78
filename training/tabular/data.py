"""A file and its specification as what a model is trained on; what was done, and what to look at, is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.derived import derive
from training.design import TableDesign
from training.folds import Labels
from training.infer import infer
from training.intake.reading import read_table
from training.intake.table import Table
from training.specification import Column, Specification, SpecificationError
from training.tabular.copies import groups_of
from training.tabular.leakage import LEAK, SUSPECT, alone
from training.typed import UNLABELLED, Numbers, Typed, check_columns, labels, of_rows, typed

LEAST_ROWS, LEAST_OF_A_CLASS = 50, 10
"""With fewer rows, or fewer of a class, nothing can be learned and measured."""

FAR_OUT = 20.0
"""A number that lies so many times the distance of the quartiles beyond them is told as an outlier."""


@dataclass(frozen=True, slots=True)
class TabularData:
    """What models are trained on. `columns` holds protected ones, too, which `design` does not."""

    design: TableDesign
    specification: Specification
    columns: Mapping[str, Typed]
    labels: Labels
    source: str
    sha256: str
    said: list[str]


def by_specification(path: Path, specification: Specification) -> TabularData:
    """The data of a file as a specification has it. A leak is said, and kept: the specification names the column.

    Raises DataError or SpecificationError with line and column, OSError where the file cannot be read.
    """
    table = read_table(path, [specification.target.column])
    check_columns(table, [specification.target.column, *specification.columns])
    extra = [name for name in table.columns if name not in {specification.target.column, *specification.columns}]
    said = [f"not in the specification, and left out: {', '.join(extra)}"] if extra else []
    return _made(table, specification, [*table.said, *said], inferred=False)


def by_inference(path: Path, target: str, name: str) -> TabularData:
    """The data of a file never seen. A column that leaks the target is left out. Raises as `by_specification` does."""
    table = read_table(path, [target])
    specification, said = infer(table, target, name)
    return _made(table, specification, [*table.said, *said], inferred=True)


def _made(table: Table, specification: Specification, said: list[str], *, inferred: bool) -> TabularData:
    found, told = labels(table, specification)
    said += told
    table, found = of_rows(table, np.flatnonzero(found != UNLABELLED)), found[found != UNLABELLED]
    _check_enough(table.source, found)
    columns: dict[str, Typed] = {}
    for name in dict.fromkeys((*specification.features, *specification.protected)):
        columns[name], told = typed(table, name, specification)
        said += told
    specification, told = _without_leaks(specification, columns, found, inferred=inferred)
    said += told
    columns |= {name: derive(derived, columns) for name, derived in specification.derived.items()}
    groups = groups_of((columns[name] for name in specification.features), len(found))
    said += [*_copies(groups, found), *_outliers(specification, columns), *_missing(specification, columns)]
    design = TableDesign(columns, specification, found, groups)
    return TabularData(design, specification, columns, found, table.source, table.sha256, said)


def _check_enough(source: str, found: Labels) -> None:
    positives = int(found.sum())
    negatives = len(found) - positives
    if len(found) < LEAST_ROWS or min(positives, negatives) < LEAST_OF_A_CLASS:
        raise SpecificationError(
            f"{source} has {len(found)} rows with an outcome, {positives} of them positive; expected at least "
            f"{LEAST_ROWS} rows, and {LEAST_OF_A_CLASS} of each class"
        )


def _without_leaks(
    specification: Specification, columns: Mapping[str, Typed], found: Labels, *, inferred: bool
) -> tuple[Specification, list[str]]:
    said, left_out = [], {}
    for name in specification.features:
        auc = alone(columns[name], found)
        if auc > LEAK:
            kept = "left out" if inferred else "kept, as the specification names it"
            said.append(f"{name}: alone it tells the target with AUC {auc:.4f}: known only afterwards? It is {kept}")
            if inferred:
                left_out[name] = Column(kind="ignored", why=f"it leaks the target: alone its AUC is {auc:.4f}")
        elif auc > SUSPECT:
            said.append(f"{name}: alone it tells the target with AUC {auc:.4f}: make sure that it is known beforehand")
    if left_out and set(left_out) == set(specification.features):
        raise SpecificationError(f"every column leaks the target: {', '.join(left_out)}; expected one that does not")
    columns_left = {**specification.columns, **left_out}
    derived = {
        name: made for name, made in specification.derived.items() if left_out.keys().isdisjoint((*made.sum, *made.by))
    }
    return specification.model_copy(update={"columns": columns_left, "derived": derived}), said


def _copies(groups: np.ndarray, found: Labels) -> list[str]:
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    copies = len(found) - len(sizes)
    if not copies:
        return []
    positives = np.bincount(place, weights=found)
    torn = int(sizes[(positives > 0) & (positives < sizes)].sum())
    said = f"{copies:,} rows are copies of others in every feature; copies stay in one fold"
    return [f"{said}; {torn:,} of them and of their originals have different outcomes" if torn else said]


def _outliers(specification: Specification, columns: Mapping[str, Typed]) -> list[str]:
    said = []
    for name in specification.features:
        column = columns[name]
        if not isinstance(column, Numbers) or column.missing().all():
            continue
        low, high = np.nanquantile(column.values, [0.25, 0.75])
        far = int((np.abs(column.values - np.clip(column.values, low, high)) > FAR_OUT * (high - low)).sum())
        if far and high > low:
            said.append(
                f"{name}: {far:,} cells lie far out; trees take them as they are, the logistic model clips them"
            )
    return said


def _missing(specification: Specification, columns: Mapping[str, Typed]) -> list[str]:
    gone = {name: float(columns[name].missing().mean()) for name in specification.features}
    told = [f"{name} {share:.1%}" for name, share in gone.items() if share]
    return [f"missing, and kept as such: {', '.join(told)}"] if told else []
