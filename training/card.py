"""The model card: every figure in it was measured by the trainer, out of fold."""

from dataclasses import asdict, dataclass, field
from typing import Any

from schemas.public_loans import APPROVED, REJECTED

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

ROWS_ENOUGH, RARER_ENOUGH = 1_000, 100
"""Rows, and rows of the rarer label, below which a card warns of its figures."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a model is, what it was trained on and how well it does. `figures` are means over the repeats of the
    cross-validation, `figures_sd` their standard deviations; `uncalibrated` are the same without the calibrator.
    `calibrator` are Platt's a and b, both shrunk by `shrinkage`: nobody is surer than 1 in a million, where points end.
    `directions` are `training.directions`' counts; `ece_bins` the number and the kind of the ECE's bins. `warnings` say
    why the figures are worth less than they look.
    """

    name: str
    bundle_id: str
    rows: int
    approved_share: float
    data_source: str
    data_sha256: str
    currency: str
    features: dict[str, str]
    trainer: dict[str, Any]
    calibrator: dict[str, float]
    figures: dict[str, float]
    figures_sd: dict[str, float]
    uncalibrated: dict[str, float]
    directions: dict[str, dict[str, float]]
    notes: list[str]
    ece_bins: dict[str, int | str]
    label_note: str
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The content of `card.json`; warnings only where there are some."""
        return {name: value for name, value in asdict(self).items() if name != "warnings" or value}


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
            "label, figures are rough: on other applicants they can be far from these, and the standard deviation over "
            "repeats does not show it."
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


HARDLY_FLATTERS = "its two parameters hardly flatter the figures"
FLATTERS = "with so few rows that flatters the figures"


def keeps_directions(card: Card) -> bool:
    """Whether no step of the grid raised the probability."""
    return not any(move["raised"] for move in card.directions.values())


def direction_sentence(card: Card) -> str:
    """Whether it keeps them."""
    return KEPT if keeps_directions(card) else NOT_KEPT


def _directions(card: Card) -> list[str]:
    return [
        "## Directions, on a grid of applicants",
        "",
        direction_sentence(card),
        "",
        "| the applicant | steps | raise the probability | by at most |",
        "|---|---|---|---|",
        *(
            f"| {name} | {move['steps']:,} | {move['raised']:,} | {move['most']:g} |"
            for name, move in card.directions.items()
        ),
        "",
    ]


def ece_sentence(card: Card) -> str:
    """What the ECE is a mean of."""
    return (
        f"ECE: the mean distance between probability and approval rate over {card.ece_bins['number']} bins of "
        f"{card.ece_bins['kind']}, weighted by their size."
    )


def card_markdown(card: Card) -> str:
    """The card for people."""
    trainer = card.trainer
    lines = [
        f"# Model card: {card.name}",
        "",
        (
            f"Bundle `{card.bundle_id}`, trained on {card.rows:,} rows of {card.data_source} "
            f"(sha256 {card.data_sha256}), {card.approved_share:.1%} approved, amounts in {card.currency}."
        ),
        "",
        "It gives the probability of the label *approved*, which is not a probability of repayment or default.",
        "",
        *(line for warning in card.warnings for line in (f"**{warning}**", "")),
        f"## Figures, out of fold ({trainer['repeats']} x {trainer['folds']} stratified folds)",
        "",
        f"The calibrator was fitted on the same out-of-fold margins; {FLATTERS if card.warnings else HARDLY_FLATTERS}.",
        "",
        "| figure | mean | sd over repeats | without calibrator |",
        "|---|---|---|---|",
        *(
            f"| {name} | {value:.5f} | {card.figures_sd[name]:.5f} | "
            f"{format(card.uncalibrated[name], '.5f') if name in card.uncalibrated else ''} |"
            for name, value in card.figures.items()
        ),
        "",
        ece_sentence(card),
        "",
        f"Platt: a = {card.calibrator['a']:.6f}, b = {card.calibrator['b']:.6f}.",
        f"Shrunk by {card.calibrator['shrinkage']:.4f}: nobody is surer than 1 in a million, where points end.",
        "",
        *_directions(card),
        "## How it was made",
        "",
        f"{trainer['trees']} trees, {', '.join(f'{name} = {value}' for name, value in trainer['params'].items())}.",
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
