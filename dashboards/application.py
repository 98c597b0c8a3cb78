"""*One application*: the whole story by its id."""

from dashboards.panels import Dashboard, Panel, Section


def _table(
    name: str,
    title: str,
    question: str,
    meaning: str,
    units: tuple[tuple[str, str], ...] = (),
    decimals: int | None = None,
    width: int = 12,
) -> Panel:
    """What one kind of record says of the application."""
    return Panel(
        f"application-{name}",
        title,
        question,
        f"application_{name}",
        "table",
        meaning=meaning,
        units=units,
        decimals=decimals,
        width=width,
    )


APPLICATION = Dashboard(
    uid="loanstream-application",
    title="One application",
    question="What became of this application, and why?",
    variables=("tenant", "application"),
    refresh="30s",
    marks=(),
    sections=(
        Section(
            "Story",
            (
                _table(
                    "story",
                    "What happened",
                    "What happened, in order?",
                    "Every record about it.",
                    width=24,
                    units=(("at", "dateTimeAsIso"),),
                ),
                _table(
                    "decisions",
                    "Decisions",
                    "What was decided, under which model and policy?",
                    "Every record; of several for one revision the first counts.",
                    width=24,
                    decimals=4,
                    units=(("accepted_at", "dateTimeAsIso"), ("ms", "ms")),
                ),
                _table(
                    "reasons",
                    "Reasons",
                    "Why?",
                    "Points add up to the distance from the base; what decides stands first.",
                    decimals=1,
                ),
                _table(
                    "claims",
                    "Claims",
                    "What did the applicant say?",
                    "Amounts are in the application's currency.",
                    units=(("accepted_at", "dateTimeAsIso"),),
                ),
                _table(
                    "checks",
                    "Checks",
                    "Which claims were held against documents?",
                    "Values are in the encrypted event alone.",
                ),
                _table("documents", "Documents", "What was read, and by whom?", "Reader, lane, and what was noticed."),
            ),
        ),
    ),
)
