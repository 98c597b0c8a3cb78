"""Score a file with a bundle of its own data set."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.intake.reading import read_table
from training.tabular.bundle import TableBundle


def score_table(bundle: TableBundle, file: Path) -> tuple[npt.NDArray[np.float64], list[str]]:
    """The probability of the positive class for every row of a file, in its order, and sentences on how it was read.

    Raises DataError or SpecificationError with line and column, OSError where the file cannot be read.
    """
    table = read_table(file, bundle.specification.features, most=None)
    rows, said = bundle.matrix(table)
    return bundle.probabilities(rows), [*table.said, *said]
