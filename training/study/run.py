"""The study as one value: each part a function of contenders, folds and seed; the same input gives the same value."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_fscore_support

from schemas.problem import Problem
from training.calibration import platt, probability
from training.figures import CUT, Estimate, estimates
from training.folds import Design
from training.out_of_fold import OutOfFold, cross_fitted, out_of_fold
from training.recipes import Trees
from training.study.calibrators import CALIBRATORS
from training.study.contenders import OUR_TREES, PAPERS_NAME, PAPERS_TREES, SEED, TABLE_II, Contender
from training.study.costs import Costs, standard_bands, threshold_study
from training.study.forward import Times, forward, steps_of
from training.study.imbalance import leaky, resampled, smote, undersampling
from training.study.learners import boosted
from training.study.paired import holm, of_calls, of_folds, of_order
from training.study.search import search

Tell = Callable[[str], None]
Labels = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is done: folds and repeats, resamples of a bootstrap, settings that a search tries, and trees of the
    paper's model where remedies for imbalance are compared.
    """

    folds: int = 5
    repeats: int = 3
    replicates: int = 500
    draws: int = 15
    remedied: Trees = PAPERS_TREES


INSIDE, LEAKY = "SMOTE inside folds", "SMOTE before the split: LEAKY"

QUICK = Extent(folds=3, repeats=1, replicates=50, draws=3, remedied=OUR_TREES)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is studied: the contenders, all of the same rows; which of them `decides`: its probabilities meet the costs;
    `times` where rows have one; and what the data are, for the result.
    """

    contenders: list[Contender]
    decides: str
    data: Mapping[str, Any]
    times: Times | None = None

    @property
    def labels(self) -> Labels:
        """(n,), 1: positive."""
        return self.contenders[0].design.labels


def study(subject: Subject, costs: Costs, extent: Extent, tell: Tell) -> dict[str, Any]:
    """Everything, told step by step. Raises Problem where a label has fewer rows than there are folds."""
    labels = subject.labels
    least = int(np.bincount(labels, minlength=2).min())
    if least < 2 * extent.folds:
        raise Problem(
            f"the rarer label has {least} rows; expected {2 * extent.folds} or more, for {extent.folds} folds"
        )
    progress = Progress(tell)
    found = {one.name: _out(one, extent, progress) for one in subject.contenders}
    progress.say("figures with intervals, and paired tests")
    p = {name: probability(out.margins) for name, out in found.items()}
    decides = cross_fitted(found[subject.decides], labels, platt)
    return {
        "data": {**subject.data, "rows": len(labels), "positives": int(labels.sum())},
        "folds": {"folds": extent.folds, "repeats": extent.repeats, "seed": SEED, "replicates": extent.replicates},
        "contenders": {one.name: one.told for one in subject.contenders},
        "figures": {name: _figures(one, labels, extent) for name, one in p.items()},
        "published": {name: asdict(row) for name, row in TABLE_II.items()},
        "paired": _paired(p, found, labels, extent),
        "calibration": _calibration(subject, found, extent, progress),
        "weighted": {name: _weighted(one, labels) for name, one in p.items() if name in TABLE_II},
        "imbalance": _imbalance(_contender(subject, PAPERS_NAME).design, extent, progress),
        "search": _search(_contender(subject, subject.decides).design, extent, progress),
        "forward": _forward(subject, extent, progress),
        "threshold": {"of": subject.decides, **threshold_study(decides, labels, costs, standard_bands())},
    }


class Progress:
    """Says what begins, and how long after the start."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._started = tell, time.monotonic()

    def say(self, what: str) -> None:
        """One line."""
        self._tell(f"{time.monotonic() - self._started:5.0f} s  {what}")


def _contender(subject: Subject, name: str) -> Contender:
    return next(one for one in subject.contenders if one.name == name)


def _out(contender: Contender, extent: Extent, progress: Progress) -> OutOfFold:
    progress.say(f"{contender.name}: {extent.repeats} x {extent.folds} folds")
    return out_of_fold(contender.design, contender.learn, extent.folds, extent.repeats, SEED)


def _figures(p: Matrix, labels: Labels, extent: Extent) -> dict[str, Any]:
    return {name: asdict(_rounded(one)) for name, one in estimates(p, labels, replicates=extent.replicates).items()}


def _rounded(one: Estimate) -> Estimate:
    """Without the digits in which processors differ."""
    return Estimate(*(round(number, 9) for number in (one.value, one.low, one.high)))


def _paired(p: Mapping[str, Matrix], found: Mapping[str, OutOfFold], labels: Labels, extent: Extent) -> list[Any]:
    """Each contender against the paper's model, on the same folds."""
    reference = p[PAPERS_NAME]
    right = (reference > CUT) == (labels == 1)
    rows: list[dict[str, Any]] = []
    for name, one in p.items():
        if name == PAPERS_NAME:
            continue
        mine = (one > CUT) == (labels == 1)
        gained = _by_fold(mine.astype(float) - right.astype(float), found[name].fold_of)
        rows.append(
            {
                "contender": name,
                "accuracy": asdict(of_folds(gained, 1 / extent.folds)),
                "mcnemar": of_calls(mine[0], right[0]),
                "auc": asdict(of_order(one[0], reference[0], labels)),
            }
        )
    corrected = {
        part: holm([row[part]["p_value"] if isinstance(row[part], dict) else row[part] for row in rows])
        for part in ("accuracy", "mcnemar", "auc")
    }
    return [{**row, "holm": {part: p[at] for part, p in corrected.items()}} for at, row in enumerate(rows)]


def _by_fold(values: Matrix, fold_of: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The mean of each fold of each repeat."""
    return np.array(
        [of[folds == fold].mean() for of, folds in zip(values, fold_of, strict=True) for fold in np.unique(folds)]
    )


def _calibration(subject: Subject, found: Mapping[str, OutOfFold], extent: Extent, progress: Progress) -> Any:
    """Each calibrator of each contender, cross-fitted."""
    progress.say(f"calibrators: {', '.join(CALIBRATORS)}")
    return {
        name: {
            calibrator: _chosen(
                estimates(cross_fitted(out, subject.labels, fit), subject.labels, replicates=extent.replicates),
                ("log_loss", "brier", "ece", "auc"),
            )
            for calibrator, fit in CALIBRATORS.items()
        }
        for name, out in found.items()
    }


def _weighted(p: Matrix, labels: Labels) -> dict[str, float]:
    """Precision and recall of either class, weighted by its rows, as the paper has them; recall is then accuracy."""
    found = []
    for one in p > CUT:
        precision, recall, _, _ = precision_recall_fscore_support(labels, one, average="weighted", zero_division=0.0)
        found.append((precision, recall))
    precision, recall = np.mean(found, axis=0)
    return {"precision": round(float(precision), 9), "recall": round(float(recall), 9)}


def _chosen(found: Mapping[str, Estimate], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: asdict(_rounded(found[name])) for name in names}


def _imbalance(design: Design, extent: Extent, progress: Progress) -> Any:
    """The paper's model without and with each remedy; the leaky way is measured as whoever does it would."""
    plain = boosted(extent.remedied, SEED)
    ways = {
        "no remedy": (design, plain),
        "class weights": (design, boosted(extent.remedied, SEED, balance=True)),
        INSIDE: (design, resampled(plain, smote(SEED))),
        "undersampling inside folds": (design, resampled(plain, undersampling(SEED))),
        LEAKY: (leaky(design, smote(SEED)), plain),
    }
    rows: dict[str, Any] = {}
    for name, (of, learn) in ways.items():
        progress.say(f"imbalance: {name}")
        out = out_of_fold(of, learn, extent.folds, 1, SEED)
        kept = ("accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier", "ece")
        rows[name] = _chosen(estimates(probability(out.margins), of.labels, replicates=extent.replicates), kept)
    return {"trees": extent.remedied.trees, **extent.remedied.params, "ways": rows}


def _search(design: Design, extent: Extent, progress: Progress) -> Any:
    progress.say(f"nested search: {extent.draws} settings in each of {extent.folds} folds")
    found = search(design, extent.draws, extent.folds, SEED)
    return {
        "draws": found.draws,
        "figures": _figures(probability(found.nested.margins), design.labels, extent),
        "best": {"trees": found.best.trees, **found.best.params},
        "flattered_log_loss": round(found.flattered, 9),
    }


def _forward(subject: Subject, extent: Extent, progress: Progress) -> Any:
    """None where rows have no time."""
    if subject.times is None:
        return None
    steps = steps_of(subject.times, extent.folds)
    rows = {}
    for one in subject.contenders:
        progress.say(f"{one.name}: forward in {len(steps)} periods")
        margins, held_out = forward(one.design, one.learn, steps)
        rows[one.name] = _figures(probability(margins)[np.newaxis], subject.labels[held_out], extent)
    return {"periods": len(steps), "figures": rows}
