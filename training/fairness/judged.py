"""What a model did with people whose outcome is known, and which group each belongs to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NOT_STATED = ""
"""The group of whoever did not say. It is counted and shown, never compared."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows whose outcome is known, each (n,).

    `favoured`: the model gave what was asked for (approval). `deserving`: the label says that this was right.
    `probability`: the model's, of deserving; out of fold. A data set whose positive class is *denied* turns all three.
    """

    favoured: Mask
    deserving: Mask
    probability: Vector

    @classmethod
    def at(cls, cut: float, probability: Vector, deserving: Mask) -> "Judged":
        """Whoever's probability is above `cut` is favoured.

        >>> Judged.at(0.5, np.array([0.4, 0.6]), np.array([True, True])).favoured.tolist()
        [False, True]
        """
        return cls(probability > cut, deserving, probability)

    def __len__(self) -> int:
        return len(self.favoured)

    def of(self, rows: Mask) -> "Judged":
        """Some of the rows."""
        return Judged(self.favoured[rows], self.deserving[rows], self.probability[rows])
