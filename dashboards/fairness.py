"""*Fairness*: whether groups are approved alike."""

from dashboards.panels import Dashboard, Panel, Section

_UNITS = tuple((name, "percentunit") for name in ("approved", "referred", "declined"))


def _by(attribute: str, title: str, height: int = 6) -> Panel:
    return Panel(
        f"fairness-{attribute.replace('_', '-')}",
        title,
        f"Are groups by {title.removeprefix('By ')} approved alike?",
        f"fairness_{attribute}",
        "table",
        meaning="Impact ratio: a group's share of approvals by the highest group's, and between which bounds it lies "
        "in 95 of 100 samples of this size. Groups below 20 are not shown.",
        when_red="Below 0.8 (the four-fifths rule): see whether reasons explain it, and tell the fairness officer.",
        thresholds=((0, "red"), (0.8, "orange"), (0.9, "green")),
        coloured=("impact_ratio",),
        units=_UNITS,
        width=24,
        height=height,
    )


FAIRNESS = Dashboard(
    uid="loanstream-fairness",
    title="Fairness",
    question="Are groups of applicants approved alike?",
    sections=(
        Section(
            "Ratios",
            (
                Panel(
                    "fairness-monitored",
                    "Monitored",
                    "Of which share of decisions is each attribute known?",
                    "monitored_share",
                    "barchart",
                    unit="percentunit",
                    decimals=0,
                    meaning="Attributes come from the monitoring block of applications, which no decision sees.",
                    when_red="A small share may not stand for all: the ratios hold for those who are known.",
                    width=7,
                ),
                Panel(
                    "fairness-over-time",
                    "Lowest impact ratio, by week",
                    "Does a difference appear or grow?",
                    "impact_ratio_over_time",
                    "timeseries",
                    decimals=2,
                    meaning="The lowest share of approvals by the highest, among groups of 20 or more in that week.",
                    when_red="Below 0.8 in several weeks: see the groups below.",
                    thresholds=((0, "red"), (0.8, "orange"), (0.9, "green")),
                    width=17,
                ),
            ),
        ),
        Section(
            "Groups",
            (
                _by("gender", "By gender"),
                _by("age_band", "By age", height=8),
                _by("ethnicity", "By ethnicity", height=8),
                _by("marital_status", "By marital status"),
            ),
        ),
    ),
)
