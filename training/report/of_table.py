"""The validation report of a model of any other data set."""

from training.fairness.frontier import Model
from training.report.evidence import Evidence, OfColumn
from training.report.explained import explained
from training.report.favourable import favourable
from training.report.own_columns import OwnColumns, OwnModel, shown_levels
from training.report.protected import Favour, groups_of, of_column
from training.report.report import report
from training.tabular.train import Trained

STAND_IN = (
    "Ablation, mitigation and what tells a group are measured with boosted trees of the chosen setting alone, each "
    "category one column in the order of its rates of positives: what they lose or gain, not the model's own figures."
)


def report_of_table(trained: Trained) -> bytes:
    """The page, UTF-8."""
    return report(evidence_of_table(trained))


def evidence_of_table(trained: Trained) -> Evidence:
    """What is measured of a training. Its figures are the card's."""
    card, data, p = trained.card, trained.data, trained.p[0]
    target, trainer = data.specification.target, card["trainer"]
    own = OwnColumns(data.design)
    model = OwnModel(trained.model, trained.encoders, own)
    params = {name: value for name, value in trainer["params"].items() if name != "num_parallel_tree"}
    base = Model(params, trainer["choices"]["rounds"])
    named = shown_levels(own.levels)
    told = explained(model, own, base, own.rows, p, named, [name for name in own.levels if name not in named])
    label, how = favourable(target, card["positives"] / card["rows"])
    favour = Favour.of(label, p, data.labels)
    columns: list[OfColumn] = []
    notes: list[str] = []
    not_measured = dict(told.not_measured)
    for name in data.specification.protected:
        found = of_column(name, groups_of(data.columns[name]), favour, own, own.names, own.rows, base)
        columns += found.columns
        notes += found.notes
        not_measured |= found.not_measured
    if not columns:
        not_measured["Whom it favours"] = "the specification names no protected column"
    not_measured["Perverse changes"] = "no directions are known of another data set's columns; see which way each moves"
    if data.specification.time is None:
        not_measured["Another year"] = "the specification names no time column"
    else:
        not_measured["Another year"] = "rows are split by chance; `loanstream study` splits by time"
    return Evidence(
        name=card["name"],
        bundle_id=card["bundle_id"],
        positive=f"{target.column} is {' or '.join(target.positive)}",
        facts=[
            ("trained on", f"{card['rows']:,} rows of {data.source}, {card['positives'] / card['rows']:.1%} positive"),
            ("data", f"sha256 {data.sha256}"),
            ("measured", f"{trainer['repeats']} times {trainer['folds']} folds, out of fold; plots show the first"),
            (
                "model",
                "trees {setting}, {rounds} rounds, {trees_share:.0%} of the log-odds; the rest is a logistic model; "
                "calibrator {calibrator}".format(**trainer["choices"]),
            ),
            ("currency", card["currency"] or "not stated"),
        ],
        probability=p,
        labels=data.labels,
        figures=trained.figures,
        columns=columns,
        favour=f"{how} As many are favoured as deserve it by the label: {favour.share:.1%} of the rows.",
        levels=named,
        notes=[*told.notes, STAND_IN, *notes, *card["said"]],
        warnings=card["warnings"],
        rebuild=[
            f"loanstream train --data {data.source} --config bundle/specification.yaml --out again",
            f"loanstream model verify bundle --data {data.source}",
        ],
        not_measured=not_measured,
        **told.parts,
    )
