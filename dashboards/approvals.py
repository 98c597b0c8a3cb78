"""*Approvals and reasons*: who is approved, and why not."""

from dashboards.panels import Dashboard, Panel, Section

_SHARES = (("approved", "percentunit"), ("referred", "percentunit"), ("declined", "percentunit"))


def _by(name: str, title: str, question: str, meaning: str, query: str = "") -> Panel:
    """Shares of outcomes by one attribute of the application."""
    return Panel(
        f"approvals-{name}",
        title,
        question,
        query or f"outcomes_by_{name.replace('-', '_')}",
        "table",
        meaning=meaning,
        units=_SHARES,
    )


APPROVALS = Dashboard(
    uid="loanstream-approvals",
    title="Approvals and reasons",
    question="Who is approved, who is not, and why?",
    sections=(
        Section(
            "Over time",
            (
                Panel(
                    "approvals-outcomes",
                    "Approved, referred, declined",
                    "How do the shares move?",
                    "outcomes_over_time",
                    "timeseries",
                    unit="percentunit",
                    meaning="Shares of the decisions of each interval; marks are activations.",
                    when_red="A step at a mark is the new model or policy; elsewhere it is other applicants.",
                    stacked=True,
                ),
                Panel(
                    "approvals-reasons-over-time",
                    "First reasons over time",
                    "Since when does a reason grow?",
                    "reasons_over_time",
                    "timeseries",
                    meaning="The five most frequent first reasons of referrals and declines.",
                    when_red="Compare with the marks, then open some of its applications.",
                ),
            ),
        ),
        Section(
            "By attribute",
            (
                _by("product", "By product", "Which products are approved?", "Products as banks name them."),
                _by(
                    "amount",
                    "By amount",
                    "How does the amount matter?",
                    "Bands begin at 1, 2 and 5 of each power of ten.",
                ),
                _by(
                    "score",
                    "By final score",
                    "Where do the bands of the policy cut?",
                    "Bands of 0.05, after penalties.",
                ),
                _by(
                    "thin-file", "Thin files", "What becomes of applicants without a CIBIL score?", "Missing, not zero."
                ),
                _by("lane", "By lane", "Do slow documents matter?", "The lane in which documents were read."),
                _by(
                    "verification",
                    "By document check",
                    "What becomes of contradicted claims?",
                    "The worst result of an application's documents.",
                ),
            ),
        ),
        Section(
            "Reasons",
            (
                Panel(
                    "approvals-against",
                    "Reasons against",
                    "What spoke against applicants?",
                    "reasons_against",
                    "barchart",
                    meaning="Decisions in which the reason cost points or decided; one decision has several.",
                    width=8,
                ),
                Panel(
                    "approvals-rules",
                    "Rules that decided",
                    "Which rules and findings decided?",
                    "rules_fired",
                    "barchart",
                    meaning="They decide alone, whatever the score says.",
                    when_red="A rule that never fires may be unreachable; one that suddenly fires often needs a look.",
                    width=8,
                ),
                Panel(
                    "approvals-penalties",
                    "Penalties",
                    "Which penalties lowered scores?",
                    "penalties_fired",
                    "barchart",
                    meaning="Decisions in which the policy took something off the model's probability.",
                    width=8,
                ),
                _by(
                    "basis",
                    "By basis",
                    "On what was decided?",
                    "Codes of what stood behind the decision.",
                    "outcomes_by_basis",
                ),
                Panel(
                    "approvals-activations",
                    "Models and policies",
                    "What was put into force, by whom, and why?",
                    "activations",
                    "table",
                    meaning="The last twenty activations.",
                    width=24,
                ),
            ),
        ),
    ),
)
