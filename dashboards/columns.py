"""What people read above a column: its heading in words, with the unit where the figures do not say it themselves.

Pages of the preview, pictures and Grafana take headings from here: a column means the same wherever it stands.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its `heading`. `decimals`: as many as its samples bear; None leaves them to the unit.

    `is_code`: its values are codes of ours, which people read with spaces.
    """

    heading: str
    decimals: int | None = None
    is_code: bool = False


COLUMNS: dict[str, Column] = {
    # whose, and when
    "tenant": Column("bank"),
    "bank": Column("bank"),
    "application": Column("application"),
    "revision": Column("revision"),
    "at": Column("time"),
    "accepted_at": Column("accepted"),
    "first_accepted_at": Column("first accepted"),
    "latest": Column("latest"),
    # decisions
    "decisions": Column("decisions"),
    "approved": Column("approved", decimals=0),
    "referred": Column("referred", decimals=0),
    "declined": Column("declined", decimals=0),
    "outcome": Column("outcome"),
    "outcomes": Column("outcomes"),
    "differs": Column("what differs", is_code=True),
    "score": Column("average score", decimals=2),
    "score_final": Column("score after penalties", decimals=3),
    "p_calibrated": Column("probability of approval", decimals=3),
    "first_reason": Column("first reason", is_code=True),
    "reason": Column("reason", is_code=True),
    "why": Column("why"),
    "rule": Column("rule", is_code=True),
    "penalty": Column("penalty", is_code=True),
    "basis": Column("decided on", is_code=True),
    "verification": Column("result of documents", is_code=True),
    "documents": Column("result of documents", is_code=True),
    "lane": Column("lane"),
    "product": Column("product"),
    "amount_from": Column("amount from"),
    "score_from": Column("score from"),
    "probability_from": Column("probability from"),
    "file": Column("credit file"),
    "ms": Column("took"),
    "model": Column("model"),
    "policy": Column("policy"),
    "actor": Column("by whom"),
    "decision_id": Column("decision"),
    "code": Column("reason", is_code=True),
    "says": Column("in words"),
    "points": Column("points", decimals=1),
    "decisive": Column("decides alone?"),
    "value": Column("applicant's value"),
    "what": Column("what"),
    # claims, and the documents that are to show them
    "currency": Column("currency"),
    "loan_amount": Column("loan"),
    "years": Column("term, years"),
    "annual_income": Column("income a year"),
    "cibil_score": Column("CIBIL score"),
    "monthly_obligations": Column("obligations a month"),
    "claim": Column("claim", is_code=True),
    "claim_result": Column("claim and result", is_code=True),
    "result": Column("result", is_code=True),
    "field": Column("field", is_code=True),
    "similarity": Column("likeness, 0 to 1", decimals=2),
    "label": Column("words beside it"),
    "kind": Column("document", is_code=True),
    "status": Column("read?", is_code=True),
    "reader": Column("reader"),
    "pages": Column("pages"),
    "findings": Column("noticed", is_code=True),
    "finding": Column("noticed", is_code=True),
    "applications": Column("applications"),
    # groups
    "attribute": Column("attribute", is_code=True),
    "known": Column("share known", decimals=0),
    "gender": Column("gender"),
    "age_band": Column("age, years"),
    "ethnicity": Column("ethnicity"),
    "marital_status": Column("marital status", is_code=True),
    "impact_ratio": Column("impact ratio", decimals=2),
    "at_least": Column("ratio at least", decimals=2),
    "at_most": Column("ratio at most", decimals=2),
    # models
    "feature": Column("feature", is_code=True),
    "psi": Column("drift (PSI)", decimals=3),
    "machine": Column("the machine said"),
    "human": Column("a person said"),
    "reviews": Column("decisions by people"),
    "meaning": Column("so it was"),
    "defaulted": Column("loans in default"),
    "others": Column("other loans"),
    "ks": Column("KS, 0 to 1", decimals=2),
    "gini": Column("Gini, -1 to 1", decimals=2),
    "now": Column("chosen time"),
    "before": Column("30 days before"),
    "bad_rate": Column("share in default"),
    # the service
    "p50": Column("50 of 100 within"),
    "p95": Column("95 of 100 within"),
    "p99": Column("99 of 100 within"),
    "stage": Column("stage"),
    "worker": Column("worker"),
    "state": Column("state"),
    "told_s_ago": Column("last heard of, ago"),
    "waiting": Column("records waiting"),
    "broker_silent_s": Column("broker silent for"),
    "aborts": Column("transactions aborted"),
    "retries": Column("retries"),
    "whose": Column("whose"),
    "ends": Column("ends"),
    "left_s": Column("time left"),
    "cause": Column("cause", is_code=True),
    "letters": Column("dead letters"),
    "still_waiting": Column("still waiting"),
    "expected": Column("expected"),
    "hours": Column("hours"),
    "counted": Column("counted"),
    "late": Column("late"),
}
"""Name of a column in a query's answer -> what people read."""


def heading(name: str) -> str:
    """What stands above a column, or beside a series, of this name.

    >>> heading("told_s_ago"), heading("waits for verify")
    ('last heard of, ago', 'waits for verify')
    """
    return COLUMNS[name].heading if name in COLUMNS else name.replace("_", " ")


def spaced(name: str, value: str) -> str:
    """A column's text as people read it.

    >>> spaced("cause", "invalid_schema"), spaced("tenant", "bank_a")
    ('invalid schema', 'bank_a')
    """
    return value.replace("_", " ") if name in COLUMNS and COLUMNS[name].is_code else value
