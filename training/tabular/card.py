"""The card of a bundle of another data set: what was measured, on what, and what was done to the data."""

from collections.abc import Mapping
from typing import Any

from training.card import few_rows
from training.figures import Estimate

CONTRACT: tuple[str, ...] = ("auc", "ks", "brier", "ece", "log_loss", "accuracy", "precision", "recall", "f1")
"""The figures that `train --json` tells."""


def metrics(found: Mapping[str, Estimate]) -> dict[str, dict[str, float]]:
    """The figures of the contract as JSON has them."""
    return {name: {"value": found[name].value, "low": found[name].low, "high": found[name].high} for name in CONTRACT}


def few(rows: int, positives: int) -> list[str]:
    """The warning of so few rows that figures are rough; none where there are enough."""
    return [
        warning.replace("are Approved", "are of the rarer class").replace("are Rejected", "are of the rarer class")
        for warning in few_rows(rows, positives)
    ]


def card_markdown(card: Mapping[str, Any]) -> str:
    """The card for people, of the content of `card.json`."""
    figures, floor, chosen = card["metrics"], card["ece_noise_floor"], card["trainer"]
    lines = [
        f"# Model card: {card['name']}",
        "",
        (
            f"Bundle `{card['bundle_id']}`, trained on {card['rows']:,} rows of {card['data']['source']} "
            f"(sha256 {card['data']['sha256']}), "
            f"{card['positives']:,} of them positive ({card['positives'] / card['rows']:.1%})."
        ),
        "",
        f"It gives the probability that `{card['target']['column']}` is {' or '.join(card['target']['positive'])}.",
        "",
        *(line for warning in card["warnings"] for line in (f"**{warning}**", "")),
        f"## Figures, pooled out of fold ({chosen['repeats']} x {chosen['folds']} stratified folds)",
        "",
        "Setting, rounds, mix and calibrator were chosen within the rows that the models saw.",
        "",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
        *(f"| {name} | {one['value']:.4f} | {one['low']:.4f} to {one['high']:.4f} |" for name, one in figures.items()),
        "",
        (
            "ECE: over 15 bins of equal mass. Probabilities that are exactly right would show "
            f"{floor['value']:.4f} ({floor['low']:.4f} to {floor['high']:.4f}) on so many rows."
        ),
        "Accuracy, precision, recall and F1 call positive what is above 0.5. Intervals: bootstrap of rows.",
        "",
        "## How it was made",
        "",
        (
            f"Trees `{chosen['choices']['setting']}`, {chosen['choices']['rounds']} rounds, with "
            f"{chosen['choices']['trees_share']:.0%} of the log-odds; the rest is an additive logistic model (C = "
            f"{chosen['choices']['penalty']:g}). Calibrator: {chosen['choices']['calibrator']}."
        ),
        "",
        f"Features: {', '.join(card['features'])}.",
        "",
        f"Protected, and no features: {', '.join(card['protected']) or 'none named'}.",
        "",
        "## What was done to the data",
        "",
        *(f"- {sentence}" for sentence in card["said"]),
        "",
    ]
    return "\n".join(lines)
