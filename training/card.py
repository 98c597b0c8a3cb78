"""The model card: every figure in it was measured by the trainer, out of fold, on this data set."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from schemas.public_loans import APPROVED, REJECTED
from training.figures import Estimate

LABEL_NOTE = (
    "The public set is synthetic. Its label is, without one exception in 4,269 rows: the assets cover the loan, and "
    "the CIBIL score is at least 550 or the loan is short (4 years or less) and at least three years' income. The "
    "last clause is perverse: of applicants with a low CIBIL score and a short term, those who ask for more are "
    "approved. A model with LTI that is free to learn it does. Figures near 100 % show that the rule was learned, not "
    "that a loan will be repaid."
)
"""Counted on the public set's file, and said of it alone."""

OWN_LABEL_NOTE = (
    "What became of the applications, as the data say it. Training has not looked for a rule that it follows. Figures "
    "near 100 % show that a rule was learned, not that a loan will be repaid."
)

ORIGINS = {True: "synthetic", False: "real or made up: not stated"}
"""Of the public set's file it is known; of no other has anybody said."""

ROWS_ENOUGH, RARER_ENOUGH = 1_000, 100
"""Rows, and rows of the rarer label, below which a card warns of its figures."""

UNSURE = (0.3, 0.7)
"""Between these probabilities the model does not know. How many rows lie there says how well it is known what
becomes of such applicants."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a model is, what it was trained on and how well it does.

    `metrics` are of probabilities out of fold that a calibrator gave which had not seen the row either, means over the
    repeats, with 95 % intervals over the rows; `figures_sd` are standard deviations over the repeats, and
    `uncalibrated` the means without the calibrator. `confusion` counts rows at 0.5, a mean over repeats, and `unsure`
    those between the probabilities of `UNSURE`. `calibrator` are Platt's a and b, both shrunk by `shrinkage`: nobody is
    surer than 1 in a million, where points end. `directions` are `training.directions`' counts, `unheld` the accuracy
    of the same settings free of them, where the model is held to some. `warnings` say why the figures are worth less
    than they look.
    """

    name: str
    bundle_id: str
    rows: int
    positives: int
    data_source: str
    data_sha256: str
    data_origin: str
    currency: str
    features: dict[str, str]
    trainer: dict[str, Any]
    calibrator: dict[str, float]
    metrics: dict[str, Estimate]
    figures_sd: dict[str, float]
    uncalibrated: dict[str, float]
    confusion: dict[str, float]
    unsure: dict[str, float]
    unheld: float | None
    directions: dict[str, dict[str, float]]
    notes: list[str]
    ece_bins: dict[str, int | str]
    label_note: str
    warnings: list[str] = field(default_factory=list)

    @property
    def approved_share(self) -> float:
        """Of the rows."""
        return self.positives / self.rows

    def as_json(self) -> dict[str, Any]:
        """The content of `card.json`; warnings only where there are some, `figures` the metrics without intervals."""
        content = {name: value for name, value in asdict(self).items() if name != "warnings" or value}
        figures = {name: found.value for name, found in self.metrics.items()}
        return {"bundle": self.name, **content, "approved_share": self.approved_share, "figures": figures}


def card_from_json(content: Mapping[str, Any]) -> Card:
    """The card that a `card.json` holds."""
    metrics = {name: Estimate(**found) for name, found in content["metrics"].items()}
    parts = {part.name: content[part.name] for part in fields(Card) if part.name in content}
    return Card(**{**parts, "metrics": metrics})


def few_rows(rows: int, approved: int) -> list[str]:
    """The warning of a card with so many rows, so many of them approved; none where there are enough.

    >>> few_rows(4_269, 2_656)
    []
    """
    rarer, label = min((approved, APPROVED), (rows - approved, REJECTED))
    if rows >= ROWS_ENOUGH and rarer >= RARER_ENOUGH:
        return []
    return [
        (
            f"Few rows: {rows:,}, of which {rarer:,} are {label}. Below {ROWS_ENOUGH:,} rows, or {RARER_ENOUGH} of a "
            "label, figures are rough: on other applicants they can be far from these."
        )
    ]


KEPT = (
    "No step raises it: to ask for more, to earn less, to have a lower CIBIL score or fewer assets never helps. Under "
    "policy `standard` the same holds for the whole decision."
)
NOT_KEPT = (
    "**This model does not keep the directions**: to ask for more, to earn less, or to have a lower CIBIL score or "
    "fewer assets can help, under any policy."
)


def keeps_directions(card: Card) -> bool:
    """Whether no step of the grid raised the probability."""
    return not any(move["raised"] for move in card.directions.values())


def direction_sentence(card: Card) -> str:
    """Whether it keeps them."""
    return KEPT if keeps_directions(card) else NOT_KEPT


def unsure_sentence(card: Card) -> str:
    """How much is known of those of whom the model is unsure."""
    low, high = UNSURE
    rows = card.unsure["rows"]
    said = f"Of {card.rows:,} rows {rows:,.1f} lie between {low:g} and {high:g}, a mean over repeats."
    if rows >= 100:
        return said
    return f"{said} **Of so few nothing is known**: a probability between the two has hardly been tested on this data."


def _directions(card: Card) -> list[str]:
    return [
        "## Directions, on a grid of applicants",
        "",
        direction_sentence(card),
        "",
        *([price_sentence(card), ""] if card.unheld is not None else []),
        "| the applicant | steps | raise the probability | by at most |",
        "|---|---|---|---|",
        *(
            f"| {name} | {move['steps']:,} | {move['raised']:,} | {move['most']:g} |"
            for name, move in card.directions.items()
        ),
        "",
    ]


def price_sentence(card: Card) -> str:
    """What it costs in agreement with the labels that the model is held to directions; empty where it is free."""
    if card.unheld is None:
        return ""
    held = card.metrics["accuracy"].value
    return (
        f"To be held to them costs agreement with the labels: accuracy {held:.5f}, and {card.unheld:.5f} for the same "
        f"settings without, on the same folds; {100 * (card.unheld - held):.2f} points."
    )


def ece_sentence(card: Card) -> str:
    """What the ECE is a mean of, and what noise alone would make of it."""
    floor = card.metrics["ece_noise_floor"].value
    return (
        f"ECE: the mean distance between probability and approval rate over {card.ece_bins['number']} bins of "
        f"{card.ece_bins['kind']}, weighted by their size. Probabilities that are exactly right would show {floor:.5f} "
        "on so many rows."
    )


def _confusion(card: Card) -> list[str]:
    count = {name: f"{value:,.1f}" for name, value in card.confusion.items()}
    return [
        f"| at 0.5 | called {APPROVED} | called {REJECTED} |",
        "|---|---|---|",
        f"| is {APPROVED} | {count['true_positive']} | {count['false_negative']} |",
        f"| is {REJECTED} | {count['false_positive']} | {count['true_negative']} |",
        "",
        "Rows, a mean over repeats.",
    ]


def _settings(trainer: Mapping[str, Any]) -> list[str]:
    params = ", ".join(f"{name} = {value}" for name, value in trainer["params"].items())
    choices = trainer["choices"]
    said = (
        f"These are one of {choices} stated settings, chosen by log loss over {trainer['inner_folds']} folds inside "
        "the rows that a model may see. The figures are of models whose settings were chosen in the same way, without "
        "the "
        "rows they are measured on. Which settings were tried was known from earlier work, on the public set too."
        if choices > 1
        else "The settings were found by earlier work on the public set, not inside the folds: on that set the figures "
        "flatter by what such a search gains."
    )
    return [f"{trainer['trees']} trees, {params}.", "", said]


def card_markdown(card: Card) -> str:
    """The card for people."""
    trainer = card.trainer
    lines = [
        f"# Model card: {card.name}",
        "",
        (
            f"Bundle `{card.bundle_id}`, trained on {card.rows:,} rows of {card.data_source} "
            f"(sha256 {card.data_sha256}; {card.data_origin}), {card.approved_share:.1%} approved, amounts in "
            f"{card.currency}."
        ),
        "",
        "It gives the probability of the label *approved*, which is not a probability of repayment or default.",
        "",
        *(line for warning in card.warnings for line in (f"**{warning}**", "")),
        f"## Figures, out of fold ({trainer['repeats']} x {trainer['folds']} stratified folds)",
        "",
        (
            "Neither the model nor the calibrator has seen the row that it is measured on. Intervals are of 95 %, by a "
            "seeded bootstrap of rows: so far figures move from sample to sample. The standard deviation over repeats "
            "says how far they move with the cut of the folds alone; it is no error of sampling."
        ),
        "",
        "| figure | mean | 95 % interval | sd over repeats | without calibrator |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {found.value:.5f} | {found.low:.5f} to {found.high:.5f} | {_cell(card.figures_sd, name)} | "
            f"{_cell(card.uncalibrated, name)} |"
            for name, found in card.metrics.items()
        ),
        "",
        ece_sentence(card),
        "",
        *_confusion(card),
        "",
        unsure_sentence(card),
        "",
        (
            f"Platt: a = {card.calibrator['a']:.6f}, b = {card.calibrator['b']:.6f}, fitted on one margin a row, its "
            "mean over the repeats."
        ),
        f"Shrunk by {card.calibrator['shrinkage']:.4f}: nobody is surer than 1 in a million, where points end.",
        "",
        *_directions(card),
        "## How it was made",
        "",
        *_settings(trainer),
        "",
        *(f"- {note}" for note in card.notes),
        "",
        "## Features",
        "",
        *(f"- {name} ({unit})" for name, unit in card.features.items()),
        "",
        "## What the label is",
        "",
        card.label_note,
        "",
    ]
    return "\n".join(lines)


def _cell(figures: Mapping[str, float], name: str) -> str:
    return f"{figures[name]:.5f}" if name in figures else ""
