"""The validation report of a model of the loan layout."""

from schemas.public_loans import APPROVED
from training.card import direction_sentence, ece_sentence, price_sentence, unsure_sentence
from training.explain.asked import PlattBooster
from training.fairness.frontier import Model
from training.folds import LoanDesign
from training.report.evidence import Evidence
from training.report.explained import explained
from training.report.report import report
from training.report.thin_files import thin_files
from training.train import Training

NO_PROTECTED = (
    "the loan layout has no protected column, and none may be a feature: live groups are compared from the "
    "monitoring table"
)


def report_of_loans(made: Training) -> bytes:
    """The page, UTF-8."""
    return report(evidence_of_loans(made))


def evidence_of_loans(made: Training) -> Evidence:
    """What is measured of a training. Its figures are the card's."""
    card, recipe = made.card, made.recipe
    design = LoanDesign(made.loans, recipe.features)
    model = PlattBooster(made.booster, recipe.features, card.calibrator["a"], card.calibrator["b"])
    base = Model(recipe.booster_params(float(design.labels.mean()), made.choice), made.choice.trees)
    told = explained(model, design, base, made.rows, made.p[0])
    return Evidence(
        name=card.name,
        bundle_id=card.bundle_id,
        positive=APPROVED.lower(),
        facts=[
            ("trained on", f"{card.rows:,} rows of {card.data_source}, {card.approved_share:.1%} {APPROVED.lower()}"),
            ("data", f"sha256 {card.data_sha256}; {card.data_origin}"),
            ("measured", f"{recipe.repeats} times {recipe.folds} folds, out of fold; plots show the first"),
            ("trees", _trees(made)),
            ("currency", card.currency),
        ],
        probability=made.p[0],
        labels=design.labels,
        figures=card.metrics,
        directions=card.directions,
        thin=thin_files(made, made.p[0]),
        notes=[
            card.label_note,
            _plain(direction_sentence(card)),
            *([price_sentence(card)] if card.unheld is not None else []),
            ece_sentence(card),
            _plain(unsure_sentence(card)),
            *card.notes,
            *told.notes,
        ],
        warnings=card.warnings,
        rebuild=[
            f"loanstream train --data {card.data_source} --recipe {card.name} --currency {card.currency} --out bundle",
            f"loanstream model verify bundle --data {card.data_source}",
        ],
        not_measured={
            **told.not_measured,
            "Whom it favours": NO_PROTECTED,
            "Another year": "the data have no time column; a split by time is not possible",
        },
        **told.parts,
    )


def _trees(made: Training) -> str:
    choices = len(made.recipe.choices)
    if choices == 1:
        return f"{made.choice.trees}, settings found beforehand"
    return f"{made.choice.trees}, chosen from {choices} stated settings, within each fold again"


def _plain(sentence: str) -> str:
    """Without a card's marks."""
    return sentence.replace("**", "").replace("`", "")
