"""From the data of any set to a bundle: figures out of fold, the model on all rows, reference histograms and card."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
import sklearn
from threadpoolctl import threadpool_limits

from scoring.booster import xgboost
from scoring.bundle import MANIFEST, bundle_id_of
from training.encode.encoders import Encoder
from training.figures import Estimate, estimates
from training.folds import Matrix
from training.learner.boosted import params
from training.learner.learn import Model, learn, out_of_fold
from training.learner.settings import Effort, effort_for
from training.tabular.bundle import files_of
from training.tabular.card import card_markdown, few, metrics
from training.tabular.data import TabularData
from training.tabular.reference import reference_of


@dataclass(frozen=True, slots=True)
class Trained:
    """The bundle's files and the content of its card, and what a report is made from: the data, the model with its
    encoders, and `p` (repeats, n), the probabilities out of fold that the figures are of.
    """

    files: dict[str, bytes]
    card: dict[str, Any]
    data: TabularData
    model: Model
    encoders: list[Encoder]
    p: Matrix
    figures: dict[str, Estimate]


def train_table(
    data: TabularData, effort: Effort | None = None, tell: Callable[[str], None] = lambda _: None
) -> Trained:
    """A bundle of the data, and its card. The same data and lock give the same bytes on the same kind of machine.

    `tell` hears what is being done. The linear algebra is held to one thread: sums must not depend on a schedule.
    """
    design, rows = data.design, np.arange(len(data.labels))
    work = effort or effort_for(len(rows))
    with threadpool_limits(1):
        p = out_of_fold(design, design.groups, work, tell)
        found = estimates(p, data.labels)
        tell("the model on all rows")
        fitted, matrix = design.encoders(rows), design.everything()
        model = learn(design, rows, design.groups, work, matrix)
        trainer = {
            "folds": work.folds,
            "repeats": work.repeats,
            "inner": work.inner,
            "settings": [setting.name for setting in work.settings],
            "choices": model.choices,
            "params": params(
                next(one for one in work.settings if one.name == model.choices["setting"]), work.parallel_trees
            ),
        }
        about = {
            "trainer": trainer,
            "data": {"source": data.source, "sha256": data.sha256, "rows": len(rows)},
            "libraries": {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "xgboost": xgboost.__version__},
            "reference": {name: reference_of(column) for name, column in data.columns.items()},
        }
        files = files_of(model, fitted, data.specification, matrix, about)
    card = _card(data, files, trainer, found)
    files["card.json"] = orjson.dumps(card, option=orjson.OPT_INDENT_2)
    files["card.md"] = card_markdown(card).encode()
    return Trained(files, card, data, model, fitted, p, found)


def _card(
    data: TabularData, files: dict[str, bytes], trainer: dict[str, Any], found: dict[str, Estimate]
) -> dict[str, Any]:
    rows, positives = len(data.labels), int(data.labels.sum())
    specification = data.specification
    return {
        "name": specification.name,
        "bundle_id": bundle_id_of(orjson.loads(files[MANIFEST])),
        "rows": rows,
        "positives": positives,
        "target": {"column": specification.target.column, "positive": list(specification.target.positive)},
        "data": {"source": data.source, "sha256": data.sha256},
        "currency": specification.currency,
        "features": list(specification.features),
        "protected": list(specification.protected),
        "trainer": trainer,
        "metrics": metrics(found),
        "gini": asdict(found["gini"]),
        "ece_noise_floor": asdict(found["ece_noise_floor"]),
        "warnings": few(rows, positives),
        "said": data.said,
    }
