"""Data sets in the layouts of public credit sets, made by seed: their columns, marks and quirks, nobody's rows."""

import csv
import io
from collections.abc import Callable

import numpy as np
import pytest


def _text(names: list[str], columns: list[list[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue()


def _outcome(rng: np.random.Generator, log_odds: np.ndarray, share: float) -> np.ndarray:
    """1 with a probability whose mean is `share`."""
    shift = np.quantile(log_odds + rng.logistic(size=len(log_odds)), 1 - share)
    return (rng.random(len(log_odds)) < 1 / (1 + np.exp(-(log_odds - shift)))).astype(int)


def german(rows: int = 1_000, seed: int = 1) -> str:
    """Codes such as A11, amounts, 1 for good and 2 for bad (30 %)."""
    rng = np.random.default_rng(seed)
    codes = {"status": 4, "history": 5, "purpose": 10, "savings": 5, "employment": 5, "property": 4, "housing": 3}
    drawn = {name: rng.integers(1, many + 1, rows) for name, many in codes.items()}
    duration, amount, age = rng.integers(4, 73, rows), np.exp(rng.normal(7.8, 0.8, rows)), rng.integers(19, 76, rows)
    log_odds = -0.6 * drawn["status"] + 0.03 * duration - 0.25 * drawn["savings"] + 0.4 * (drawn["purpose"] == 3)
    bad = _outcome(rng, log_odds - 0.015 * age, 0.3)
    columns = [[f"A{at}{value}" for value in values] for at, values in enumerate(drawn.values(), 1)]
    columns += [duration.tolist(), amount.astype(int).tolist(), age.tolist(), (1 + bad).tolist()]
    return _text([*codes, "duration", "credit_amount", "age", "class"], columns)


def serious_delinquency(rows: int = 20_000, seed: int = 2) -> str:
    """An unnamed first column that counts the rows, NA for missing, ratios with far outliers, 7 % positives."""
    rng = np.random.default_rng(seed)
    utilization = np.where(rng.random(rows) < 0.02, rng.exponential(2_000, rows), rng.beta(0.6, 1.2, rows))
    age, late = rng.integers(21, 100, rows), rng.poisson(0.3, rows)
    late90 = np.where(rng.random(rows) < 0.002, 98, rng.poisson(0.1, rows))
    debt, income = rng.exponential(0.5, rows) ** 2, np.exp(rng.normal(8.6, 0.7, rows))
    lines, estate, dependents = rng.poisson(8, rows), rng.poisson(1, rows), rng.poisson(0.8, rows)
    log_odds = 1.8 * np.clip(utilization, 0, 1) + 0.6 * np.minimum(late, 5) + 1.2 * np.minimum(late90, 5) - 0.02 * age
    positive = _outcome(rng, log_odds - 0.2 * np.log(income), 0.07)
    shown = ["NA" if rng.random() < 0.2 else f"{value:.0f}" for value in income]
    of_dependents = ["NA" if rng.random() < 0.03 else str(value) for value in dependents]
    names = [
        "", "SeriousDlqin2yrs", "RevolvingUtilizationOfUnsecuredLines", "age", "NumberOfTime30-59DaysPastDueNotWorse",
        "DebtRatio", "MonthlyIncome", "NumberOfOpenCreditLinesAndLoans", "NumberOfTimes90DaysLate",
        "NumberRealEstateLoansOrLines", "NumberOfTime60-89DaysPastDueNotWorse", "NumberOfDependents",
    ]  # fmt: skip
    columns = [
        list(range(1, rows + 1)), positive.tolist(), [f"{v:.9f}" for v in utilization], age.tolist(), late.tolist(),
        [f"{v:.6f}" for v in debt], shown, lines.tolist(), late90.tolist(), estate.tolist(),
        rng.poisson(0.05, rows).tolist(), of_dependents,
    ]  # fmt: skip
    return _text(names, columns)


def card_default(rows: int = 6_000, seed: int = 3) -> str:
    """Two rows of names, categories as numbers, months as columns, 22 % positives."""
    rng = np.random.default_rng(seed)
    limit = rng.choice([10, 20, 50, 80, 100, 200, 300, 500], rows) * 1000
    sex, education, marriage = rng.integers(1, 3, rows), rng.integers(0, 7, rows), rng.integers(0, 4, rows)
    age, pay = rng.integers(21, 76, rows), [rng.choice([-2, -1, 0, 1, 2, 3], rows) for _ in range(3)]
    bills = [(limit * rng.beta(1, 2, rows)).astype(int) for _ in range(3)]
    log_odds = 0.6 * pay[0] + 0.3 * pay[1] + 0.1 * pay[2] - 1.5e-6 * limit + 0.8 * bills[0] / limit
    positive = _outcome(rng, log_odds, 0.22)
    names = ["ID", "LIMIT_BAL", "SEX", "EDUCATION", "MARRIAGE", "AGE", "PAY_0", "PAY_2", "PAY_3"]
    names += ["BILL_AMT1", "BILL_AMT2", "BILL_AMT3", "default payment next month"]
    columns = [range(1, rows + 1), limit, sex, education, marriage, age, *pay, *bills, positive]
    numbers = ",".join(["", *(f"X{at}" for at in range(1, len(names) - 1)), "Y"])
    return numbers + "\n" + _text(names, [list(map(int, column)) for column in columns])


def home_equity(rows: int = 3_000, seed: int = 4) -> str:
    """Empty cells everywhere, two categories of words, semicolons and decimal commas, 20 % positives."""
    rng = np.random.default_rng(seed)
    loan, value = np.exp(rng.normal(9.7, 0.5, rows)), np.exp(rng.normal(11.4, 0.5, rows))
    reason, job = (
        rng.choice(["HomeImp", "DebtCon"], rows),
        rng.choice(["Mgr", "Office", "Other", "ProfExe", "Sales"], rows),
    )
    derogatory, delinquent = rng.poisson(0.25, rows), rng.poisson(0.45, rows)
    oldest, debt = rng.gamma(4, 45, rows), rng.normal(34, 9, rows)
    log_odds = 0.8 * derogatory + 0.7 * delinquent - 0.006 * oldest + 0.05 * debt + 0.5 * (job == "Sales")
    bad = _outcome(rng, log_odds, 0.2)

    def shown(values: np.ndarray, missing: float, digits: int) -> list[str]:
        return ["" if rng.random() < missing else f"{v:.{digits}f}".replace(".", ",") for v in values]

    columns = [
        bad.tolist(), shown(loan, 0, 0), shown(value, 0.02, 2), reason.tolist(),
        [word if rng.random() > 0.05 else "" for word in job], shown(derogatory, 0.1, 0), shown(delinquent, 0.1, 0),
        shown(oldest, 0.05, 3), shown(debt, 0.2, 4),
    ]  # fmt: skip
    return _text(["BAD", "LOAN", "VALUE", "REASON", "JOB", "DEROG", "DELINQ", "CLAGE", "DEBTINC"], columns, ";")


def marketplace(rows: int = 4_000, seed: int = 5) -> str:
    """Percent signs, terms in words, dates, a high cardinality, an id, a constant, and what is known only afterwards."""
    rng = np.random.default_rng(seed)
    amount, rate = rng.integers(10, 350, rows) * 100, rng.normal(13, 4, rows).clip(5, 30)
    grade = np.digitize(rate, [8, 11, 14, 17, 20, 24])
    state = rng.integers(0, 50, rows)
    effect = rng.normal(0, 0.5, 50)
    default = _outcome(rng, 0.15 * rate + effect[state] + 3e-5 * amount, 0.16)
    recovered = np.where(default == 1, rng.exponential(500, rows) + 1, 0)
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    issued = [f"{rng.choice(months)}-{rng.integers(2012, 2016)}" for _ in range(rows)]
    columns = [
        (10_000_000 + rng.permutation(rows) * 7).tolist(), amount.tolist(),
        [f" {term} months" for term in rng.choice([36, 60], rows)], [f"{v:.2f}%" for v in rate],
        ["ABCDEFG"[g] for g in grade], [f"S{s:02d}" for s in state],
        rng.choice(["RENT", "OWN", "MORTGAGE"], rows).tolist(),
        [f"${v:,}" for v in rng.integers(20_000, 150_000, rows)], issued, ["f"] * rows, [""] * rows,
        [f"{v:.2f}" for v in recovered], ["Charged Off" if d else "Fully Paid" for d in default],
    ]  # fmt: skip
    names = [
        "id", "loan_amnt", "term", "int_rate", "grade", "addr_state", "home_ownership", "annual_inc", "issue_d",
        "initial_list_status", "member_note", "recoveries", "loan_status",
    ]  # fmt: skip
    return _text(names, columns)


LAYOUTS: dict[str, tuple[Callable[..., str], str]] = {
    "german": (german, "class"),
    "serious_delinquency": (serious_delinquency, "SeriousDlqin2yrs"),
    "card_default": (card_default, "default payment next month"),
    "home_equity": (home_equity, "BAD"),
    "marketplace": (marketplace, "loan_status"),
}
"""Name -> what makes its text, and its target."""


@pytest.fixture(scope="session")
def layouts() -> dict[str, tuple[Callable[..., str], str]]:
    """Texts of data sets in the layouts of public credit sets, and the target of each."""
    return LAYOUTS
