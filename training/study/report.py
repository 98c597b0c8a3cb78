"""The study's value as Markdown for people and as one long CSV for a spreadsheet."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from training.study.run import INSIDE, LEAKY

OF_PROBABILITIES = ("auc", "log_loss", "brier", "ece")
OF_CALLS = ("precision", "recall", "f1", "ks", "gini")
SHOWN = ("accuracy", *OF_PROBABILITIES)


def study_markdown(found: Mapping[str, Any]) -> str:
    """Every part, its finding first."""
    data, folds = found["data"], found["folds"]
    parts = [
        "# Study: models on the same folds",
        (
            f"{data['rows']:,} rows of {data['source']} (sha256 {data['sha256']}; {data['origin']}), "
            f"{data['positives']:,} of them {data['positive']}. {folds['repeats']} x {folds['folds']} stratified "
            "folds, "
            f"the same for every model, seed {folds['seed']}."
        ),
        _models(found),
        _published(found),
        _paired(found),
        _calibration(found),
        _imbalance(found),
        _search(found),
        _forward(found),
        _threshold(found),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def study_csv(found: Mapping[str, Any]) -> str:
    """One line a figure: part, row, column, figure, value, low, high."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["part", "row", "column", "figure", "value", "low", "high"])
    writer.writerows(_lines(found))
    return out.getvalue()


def _lines(found: Mapping[str, Any]) -> Iterator[list[Any]]:
    for name, figures in found["figures"].items():
        yield from _of("figures", name, "", figures)
    for name, figures in found["published"].items():
        yield from (["published", name, "", figure, value, "", ""] for figure, value in figures.items())
    for row in found["paired"]:
        for part in ("accuracy", "auc"):
            one = row[part]
            yield ["paired", row["contender"], "difference", part, one["value"], one["low"], one["high"]]
            yield ["paired", row["contender"], "p_value", part, row[part]["p_value"], "", ""]
        yield ["paired", row["contender"], "p_value", "mcnemar", row["mcnemar"], "", ""]
        yield from (["paired", row["contender"], "holm", part, p, "", ""] for part, p in row["holm"].items())
    for name, calibrators in found["calibration"].items():
        for calibrator, figures in calibrators.items():
            yield from _of("calibration", name, calibrator, figures)
    for name, figures in found["imbalance"]["ways"].items():
        yield from _of("imbalance", name, "", figures)
    yield from _of("search", "nested", "", found["search"]["figures"])
    yield ["search", "best on the same folds", "", "log_loss", found["search"]["flattered_log_loss"], "", ""]
    for name, figures in (found["forward"] or {"figures": {}})["figures"].items():
        yield from _of("forward", name, "", figures)
    for cut, profit in found["threshold"]["curve"]:
        yield ["profit curve", cut, "", "profit", profit, "", ""]


def _of(part: str, row: str, column: str, figures: Mapping[str, Any]) -> Iterator[list[Any]]:
    for name, one in figures.items():
        yield [part, row, column, name, one["value"], one["low"], one["high"]]


def _models(found: Mapping[str, Any]) -> str:
    rows = [[name, *(_figure(figures[one]) for one in SHOWN)] for name, figures in found["figures"].items()]
    more = [
        [name, *(_figure(figures[one]) for one in (*OF_CALLS, "ece_noise_floor"))]
        for name, figures in found["figures"].items()
    ]
    best = max(found["figures"], key=lambda name: found["figures"][name]["accuracy"]["value"])
    accuracy = found["figures"][best]["accuracy"]
    return _part(
        "Figures out of fold",
        f"**{best} agrees best with the labels: accuracy {_figure(accuracy)}.** Means over the repeats with 95 % "
        "intervals of a seeded bootstrap of rows; calls at 0.5; probabilities as the models say them, not calibrated. "
        "ECE "
        "is over 15 bins of equal mass.",
        _table(["model", *SHOWN], rows),
        "What the models are:",
        "\n".join(f"- {name}: {told}" for name, told in found["contenders"].items()),
        "The last column is the ECE that probabilities which are exactly right would show on so many rows:",
        _table(["model", *OF_CALLS, "ECE of noise"], more),
    )


def _published(found: Mapping[str, Any]) -> str:
    if not found["data"]["papers"]:
        return ""
    rows = [
        [
            name,
            f"{row['accuracy']:.3f}",
            _figure(found["figures"][name]["accuracy"]),
            _inside(row["accuracy"], found["figures"][name]["accuracy"]),
            *(f"{row[one]:.2f} / {found['weighted'][name][one]:.3f}" for one in ("precision", "recall")),
        ]
        for name, row in found["published"].items()
    ]
    forest, boosted = (found["figures"][name]["accuracy"]["value"] for name in list(found["published"])[1::2])
    return _part(
        "Beside the paper's Table II",
        f"**The paper's distance between random forest and XGBoost, 2.9 points, is {100 * (boosted - forest):.1f} "
        "points "
        "here.** The paper measured one split of 80 to 20 without its seed: of 854 rows, an accuracy of 0.98 has a "
        "standard error of half a point. Precision and recall are weighted by class; so weighted, recall is accuracy "
        "by "
        "definition, which the paper's is not.",
        _table(
            [
                "model",
                "accuracy, paper",
                "accuracy, here",
                "the paper's",
                "precision, paper / here",
                "recall, paper / here",
            ],
            rows,
        ),
    )


def _inside(published: float, one: Mapping[str, float]) -> str:
    if one["low"] <= published <= one["high"]:
        return "is in our interval"
    return "is above our interval" if published > one["high"] else "is below our interval"


def _paired(found: Mapping[str, Any]) -> str:
    rows = [
        [
            row["contender"],
            _signed(row["accuracy"]),
            _p(row["accuracy"]["p_value"], row["holm"]["accuracy"]),
            _p(row["mcnemar"], row["holm"]["mcnemar"]),
            _signed(row["auc"]),
            _p(row["auc"]["p_value"], row["holm"]["auc"]),
        ]
        for row in found["paired"]
    ]
    return _part(
        "Against the paper's XGBoost, row by row",
        "Differences of accuracy: the corrected resampled t-test over the folds (Nadeau and Bengio 2003), because "
        "folds "
        "share what models were trained on; and McNemar's exact test on the first repeat. Differences of AUC: DeLong's "
        "test on the first repeat. In brackets p-values corrected for their number (Holm).",
        _table(["model", "accuracy", "p, folds", "p, McNemar", "AUC", "p, DeLong"], rows),
    )


def _calibration(found: Mapping[str, Any]) -> str:
    shown = ("log_loss", "brier", "ece", "auc")
    rows = [
        [name, calibrator, *(_figure(figures[one]) for one in shown)]
        for name, calibrators in found["calibration"].items()
        for calibrator, figures in calibrators.items()
    ]
    return _part(
        "Calibrators, cross-fitted",
        "Each was fitted on all rows but those it is measured on, on one log-odds a row. Isotonic steps make ties, "
        "which "
        "cost AUC.",
        _table(["model", "calibrator", *shown], rows),
    )


def _imbalance(found: Mapping[str, Any]) -> str:
    part = found["imbalance"]
    shown = ("accuracy", "precision", "recall", "auc", "log_loss", "brier")
    rows = [[name, *(_figure(figures[one]) for one in shown)] for name, figures in part["ways"].items()]
    inside, leaky = (part["ways"][name]["accuracy"]["value"] for name in (INSIDE, LEAKY))
    return _part(
        "Remedies for imbalance",
        f"**SMOTE before the split claims accuracy {leaky:.4f}; inside the folds the same remedy has {inside:.4f}.** "
        "Before "
        "the split, rows that are made of held-out rows are among those learned from, and made-up rows among those "
        f"measured. The model is XGBoost of {part['trees']} trees of depth {part['max_depth']}, one repeat.",
        _table(["remedy", *shown], rows),
    )


def _search(found: Mapping[str, Any]) -> str:
    nested = found["search"]
    best = ", ".join(f"{name} = {value}" for name, value in nested["best"].items())
    return _part(
        "A nested search",
        f"**Tuned inside the folds: accuracy {_figure(nested['figures']['accuracy'])}, log loss "
        f"{_figure(nested['figures']['log_loss'])}.** That is an unbiased figure of a model whose settings are the "
        "best "
        f"of {nested['draws']} drawn at random. The best one's own log loss, on the folds that it was chosen on, is "
        f"{nested['flattered_log_loss']:.5f}. On all rows it is: {best}.",
        _table(list(SHOWN), [[_figure(nested["figures"][one]) for one in SHOWN]]),
    )


def _forward(found: Mapping[str, Any]) -> str:
    if found["forward"] is None:
        return _part("Forward in time", "Not measured: the rows have no time.")
    rows = [[name, *(_figure(figures[one]) for one in SHOWN)] for name, figures in found["forward"]["figures"].items()]
    return _part(
        "Forward in time",
        f"Models learned of what was before, and were asked about each of {found['forward']['periods']} periods that "
        "followed.",
        _table(["model", *SHOWN], rows),
    )


def _threshold(found: Mapping[str, Any]) -> str:
    part = found["threshold"]
    costs, bands, profit = part["costs"], part["bands"], part["profit"]
    low, high = part["within_1_percent"]
    return _part(
        "The threshold from stated costs",
        f"**Approve above {bands['approve']:g}, decline up to {bands['decline']:g}, between them a person decides**, "
        f"where a good loan earns {costs['gain']:g}, a bad one costs {costs['loss']:g} and a review "
        f"{costs['review']:g}. "
        "The bands follow from the costs alone, for probabilities that are right. Profits are measured with "
        f"`{part['of']}` out of fold, its calibrator cross-fitted. A person is taken to be right.",
        _table(
            ["decided by", "profit per 1,000 applicants"],
            [[name, f"{value:,.1f}"] for name, value in profit.items()],
        ),
        f"Of single thresholds {part['best_on_curve']:g} earns most; every one from {low:g} to {high:g} earns at least "
        "99 % of that. The wider this range, the less hangs on the threshold.",
        "If a cost were another one:",
        _table(
            ["cost", "times", "approve above", "decline up to", "profit", "profit of the bands above"],
            [
                [
                    row["cost"],
                    f"{row['times']:g}",
                    f"{row['bands']['approve']:g}",
                    f"{row['bands']['decline']:g}",
                    f"{row['profit']:,.1f}",
                    f"{row['profit_of_unchanged_bands']:,.1f}",
                ]
                for row in part["sensitivity"]
            ],
        ),
    )


def _part(title: str, *paragraphs: str) -> str:
    return "\n\n".join([f"## {title}", *paragraphs])


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(one: Mapping[str, float]) -> str:
    return f"{one['value']:.4f} ({one['low']:.4f} to {one['high']:.4f})"


def _signed(one: Mapping[str, float]) -> str:
    return f"{one['value']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})"


def _p(raw: float, corrected: float) -> str:
    return f"{raw:.2g} ({corrected:.2g})"
