"""One self-contained HTML file from a model's evidence. It loads nothing; the same evidence gives the same bytes."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from training.fairness.yardsticks import yardsticks
from training.report import plots
from training.report.drawn import look
from training.report.evidence import Evidence

MEANINGS = {
    "auc": "probability that of one positive and one negative row the positive one has the higher score",
    "gini": "2 AUC - 1",
    "ks": "greatest distance between the two labels' score distributions",
    "brier": "mean squared distance between probability and label",
    "log_loss": "mean of -ln(probability of what happened)",
    "ece": "mean distance between promised and found over 15 bins of equal mass",
    "ece_noise_floor": "the ECE that a model with exactly right probabilities would show on so many rows",
    "accuracy": "share of rows on the right side of 0.5",
    "precision": "share of rows above 0.5 that are positive",
    "recall": "share of positive rows that are above 0.5",
    "f1": "harmonic mean of precision and recall",
}

_SECTIONS: tuple[tuple[str, str, str | None], ...] = (
    ("figures", "How well", None),
    ("calibration", "Calibration", None),
    ("counts", "What moves it", None),
    ("ways", "Which way", "dependence"),
    ("slices", "Where it is worst", None),
    ("thin", "Thin files", "thin"),
    ("fairness", "Whom it favours", None),
    ("notes", "What to know", "notes"),
    ("open", "Not measured", "not_measured"),
    ("rebuild", "Rebuild it", "rebuild"),
)
"""Anchor, heading, and the evidence without which the section is left out."""

_MIDDLE = (0.3, 0.7)


def report(evidence: Evidence) -> bytes:
    """The page of a model's evidence, UTF-8."""
    with look():
        drawn = _plots(evidence)
    return page(evidence, drawn).encode()


def page(evidence: Evidence, drawn: Mapping[str, Any]) -> str:
    """The page around plots that were drawn before."""
    text: str = _page().render(
        e=evidence,
        plots=drawn,
        meanings=MEANINGS,
        yardsticks=yardsticks(),
        headings=[(name, heading) for name, heading, of in _SECTIONS if of is None or getattr(evidence, of)],
        gap=_middle(evidence),
        perverse=_perverse(evidence),
    )
    return text


def _page() -> Any:
    environment = Environment(
        loader=PackageLoader("training.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    environment.filters.update(
        figure=lambda value: f"{value:.4f}",
        percent=lambda value: f"{value:.1%}",
        points=lambda value: f"{100 * value:+.1f} points",
        words=lambda name: name.replace("_", " "),
    )
    return environment.get_template("page.html.j2")


def _plots(evidence: Evidence) -> dict[str, Any]:
    order = [one.feature for one in evidence.importance]
    drawn = {
        "curves": plots.curves(evidence.probability, evidence.labels),
        "scores": plots.scores(evidence.probability, evidence.labels, evidence.positive),
        "reliability": plots.reliability(evidence.probability, evidence.labels),
        "swarm": plots.swarm(evidence.names, evidence.rows, evidence.contributions, order) if order else "",
        "bars": plots.bars(evidence.importance) if order else "",
        "losses": plots.losses(evidence.ablation) if evidence.ablation else "",
        "dependences": plots.dependences(evidence.dependence, evidence.levels) if evidence.dependence else "",
    }
    frontiers = {one.fairness.column: _ours(plots.frontier(one.frontier)) for one in evidence.columns if one.frontier}
    return {**{name: _ours(element) for name, element in drawn.items()}, "frontiers": frontiers}


def _ours(element: str) -> Markup:
    """SVG of our own drawing: whatever a data set says stands in it as text, which matplotlib escapes."""
    return Markup(element)  # noqa: S704


def _middle(evidence: Evidence) -> str:
    """How much is known where decisions are hard."""
    low, high = _MIDDLE
    between = int(((evidence.probability > low) & (evidence.probability < high)).sum())
    share = between / len(evidence.labels)
    said = (
        f"{between:,} of {len(evidence.labels):,} rows ({share:.1%}) have a probability between {low:g} and {high:g}."
    )
    return f"{said} With so few, nothing is known of its calibration there." if between < plots.BINS * 10 else said


def _perverse(evidence: Evidence) -> str:
    raised = sum(move["raised"] for move in evidence.directions.values())
    steps = sum(move["steps"] for move in evidence.directions.values())
    if raised:
        return f"{raised:,} of {steps:,} steps that make an applicant riskier raise the probability."
    return f"None of {steps:,} steps that make an applicant riskier raises the probability."
