"""*One application*: the whole story by its id."""

from dashboards.panels import Dashboard, Panel, Section


def _table(
    name: str,
    title: str,
    question: str,
    meaning: str,
    units: tuple[tuple[str, str], ...] = (),
    width: int = 12,
    height: int = 8,
    once: tuple[str, ...] = ("tenant", "revision"),
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
        width=width,
        height=height,
        once=once,
        when_empty="Nothing is known of this kind.",
    )


APPLICATION = Dashboard(
    uid="loanstream-application",
    title="One application",
    question="What became of this application, and why?",
    variables=("tenant", "application"),
    refresh="30s",
    marks=(),
    is_timed=False,
    sections=(
        Section(
            "Story",
            (
                _table(
                    "story",
                    "What happened",
                    "What happened, in order?",
                    "Every record about it, whenever it was.",
                    width=24,
                    units=(("at", "dateTimeAsIso"),),
                ),
                _table(
                    "decisions",
                    "Decisions",
                    "What was decided, under which model and policy?",
                    "Bank and revision of all below; of several records of a revision the first counts.",
                    width=24,
                    height=6,
                    once=(),
                    units=(("accepted_at", "dateTimeAsIso"), ("ms", "ms")),
                ),
                _table(
                    "reasons",
                    "Reasons",
                    "Why?",
                    "Points add up to the distance from the base; what decides stands first.",
                ),
                _table(
                    "claims",
                    "Claims",
                    "What did the applicant say?",
                    "Amounts are in the application's currency; terms in years.",
                    units=tuple((name, "locale") for name in ("loan_amount", "annual_income", "monthly_obligations")),
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
