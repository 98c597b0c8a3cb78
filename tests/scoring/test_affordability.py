"""Affordability: what repaying takes of an income, to the last digit."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.affordability import annuity, exact_share, exceeding, instalments, share_of_income
from scoring.conditions import Conditions
from scoring.features import feature_matrix
from scoring.policy import INSTALMENT, REPAYMENTS, Condition, PolicyError
from scoring.policy_document import parse_policy

HEAD = """\
name: small
points: {score: 600, pdo: 20}
bands: {approve: 0.7, decline: 0.3}
penalties: []
rules:
"""


def bill(of=INSTALMENT, rate=0.1, above=0.6):
    return Condition("affordability", of, above, rate=rate)


def asked(make_event, amount, income, term, owed=None):
    return make_event(
        loan={"amount": str(amount), "term_years": str(term)},
        annual_income=str(income),
        monthly_obligations=None if owed is None else str(owed),
    )


def holds(condition, event):
    return bool(Conditions([condition]).holding([event], feature_matrix([event.application])))


def test_a_loan_is_repaid_when_its_instalments_are():
    """Month by month the interest is added and the instalment taken off: after the last one nothing is left."""
    for rate in (Fraction(0), Fraction(1, 10), Fraction(24, 100)):
        for number in (1, 6, 96, 600):
            left = Fraction(1)
            for _ in range(number):
                left += left * rate / 12 - annuity(rate / 12, number)
            assert left == 0


@pytest.mark.parametrize(
    ("term", "number"),
    [
        ("0.01", 1),
        ("0.08", 1),
        ("0.17", 2),
        ("0.5", 6),
        ("0.29", 3),
        ("3.5", 42),
        ("2", 24),
        ("19.99", 239),
        ("50", 600),
    ],
)
def test_a_term_has_so_many_instalments(make_event, term, number):
    """Whole months, rounded down, at least one: a part of a month is no month to pay in."""
    assert instalments(int(100 * Decimal(term))) == number
    event = asked(make_event, 1_200_000, 1_000_000, term)
    row = feature_matrix([event.application])[0]
    assert share_of_income(bill(rate=0.0), row) == pytest.approx(12 * 1.2 / number)


def test_twelve_million_over_half_a_year_takes_five_incomes(make_event, standard, decide_one):
    """Whoever earns five million a year and has six months to repay twelve is not approved, however good the rest."""
    event = make_event(loan={"amount": 12_000_000, "term_years": "0.5"}, annual_income=5_000_000, cibil_score=900)
    assert float(exact_share(bill(), event.application)) == pytest.approx(4.94, abs=0.01)
    decision = decide_one(standard, event)
    assert (decision["outcome"], decision["score_final"] > 0.9) == ("decline", True)
    reason = decision["reasons"][0]
    assert (reason["code"], reason["value"]) == ("instalment_above_limit", "4.941")
    assert reason["text"] == "The instalment of this loan would take 4.941 of the income, above the limit."


money = st.integers(1, 10**12) | st.integers(1, 10**15)


@settings(deadline=None)
@given(
    amount=money,
    income=money,
    owed=st.none() | money,
    term=st.integers(1, 5000),
    rate=st.sampled_from([0.0, 0.1, 0.085, 0.12, 1.0]),
    of=st.sampled_from([INSTALMENT, REPAYMENTS]),
)
def test_a_share_at_the_bound_is_not_above_it(make_event, amount, income, owed, term, rate, of):
    """The nearest floats to the exact share, and the share itself, are each on the side where they belong."""
    cents = [None if one is None else Decimal(min(one, 999_999_999_999_999)) / 100 for one in (amount, income, owed)]
    event = asked(make_event, cents[0], cents[1], Decimal(term) / 100, cents[2])
    share = exact_share(bill(of, rate), event.application)
    near = float(share)
    for bound in (near, near * (1 + 1e-12), near * (1 - 1e-12), near / 2, near * 2):
        assert holds(bill(of, rate, bound), event) == (share > Fraction(repr(bound)))
    assert share_of_income(bill(of, rate), feature_matrix([event.application])[0]) == pytest.approx(near, rel=1e-9)


@pytest.mark.parametrize("step", [Decimal(0), Decimal("0.01")])
def test_an_equal_share_is_not_above(make_event, step):
    """Without interest, a tenth of the loan a month from an income of two loans is exactly six tenths; a cent more is
    more.
    """
    event = asked(make_event, 1_000_000 + step, 2_000_000, "0.84")  # ten whole months
    assert holds(bill(rate=0.0), event) == bool(step)
    assert not holds(bill(rate=0.0, above=0.61), event)


def test_obligations_that_are_not_named_leave_the_instalment_alone(make_event):
    """What is missing is not invented: the test is made without it, and the policy says what that is worth."""
    loan = {"amount": 1_000_000, "income": 1_000_000, "term": 10}
    none, named, nought = (asked(make_event, owed=owed, **loan) for owed in (None, 50_000, 0))
    alone = exact_share(bill(INSTALMENT), none.application)
    assert exact_share(bill(REPAYMENTS), none.application) == alone
    assert exact_share(bill(REPAYMENTS), nought.application) == alone
    assert exact_share(bill(INSTALMENT), named.application) == alone
    assert exact_share(bill(REPAYMENTS), named.application) == alone + Fraction(6, 10)


def test_a_batch_is_tested_as_each_of_it(make_event):
    """What stands beside an application changes nothing."""
    events = [asked(make_event, 100_000 * n, 1_000_000, 1 + n % 30, n % 3 * 5_000) for n in range(1, 64)]
    matrix = feature_matrix([event.application for event in events])
    together = exceeding(bill(REPAYMENTS), events, matrix).tolist()
    assert together == [holds(bill(REPAYMENTS), event) for event in events]
    assert len(set(together)) == 2


def test_it_is_judged_in_any_currency(make_event, standard, decide_one):
    """A share of an income has no currency, yet nobody is declined in one that the model does not know."""
    decision = decide_one(standard, make_event(currency="EUR", loan={"term_years": "0.5"}))
    assert decision["outcome"] == "refer"


def rule(test, code="instalment_above_limit", outcome="decline"):
    return f"{HEAD}  - {{code: {code}, outcome: {outcome}, affordability: {test}}}\n"


SOUND = "{of: instalment, rate: 0.1, share_above: 0.6}"


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ("{of: instalment, share_above: 0.6}", "affordability needs 'rate'"),
        ("{of: instalment, rate: 0.1}", "affordability needs 'share_above'"),
        ("{rate: 0.1, share_above: 0.6}", "affordability needs 'of'"),
        ("{of: instalments, rate: 0.1, share_above: 0.6}", "'instalments' is no of known; did you mean 'instalment'?"),
        ("{of: instalment, rate: 10, share_above: 0.6}", "'rate' is 10, expected a number from 0 to 1"),
        (
            "{of: instalment, rate: 10%, share_above: 0.6}",
            "'rate' must be a finite number: 10%: a share of 60 % is 0.6",
        ),
        ("{of: instalment, rate: 0.1, share_above: 60}", "'share_above' is 60, expected a number from 0.01 to 10"),
        ("{of: instalment, rate: 0.1, share_above: 0}", "'share_above' is 0, expected a number from 0.01 to 10"),
        ("{of: instalment, rate: 0.1, share_above: 0.6, above: 1}", "'above' is not known in affordability"),
        ("0.6", "affordability must be a mapping of names to values, as {of: instalment, rate: 0.1, share_above: 0.6}"),
        ("{of: instalment_and_obligations, rate: 0.1, share_above: 0.6}", "speaks of 'affordability instalment'"),
    ],
)
def test_a_slip_in_the_test_is_told_with_its_line(test, says):
    """An author reads which word or number is wrong, and what is expected."""
    parse_policy(rule(SOUND))
    with pytest.raises(PolicyError) as refused:
        parse_policy(rule(test))
    assert str(refused.value).startswith("line 6: ")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("first", "second", "idle"),
    [
        ((INSTALMENT, 0.1, 0.6), (INSTALMENT, 0.1, 0.7), True),
        ((INSTALMENT, 0.1, 0.6), (INSTALMENT, 0.08, 0.6), True),
        ((INSTALMENT, 0.08, 0.6), (INSTALMENT, 0.1, 0.6), False),
        ((REPAYMENTS, 0.1, 0.6), (INSTALMENT, 0.1, 0.6), True),
        ((INSTALMENT, 0.1, 0.6), (REPAYMENTS, 0.1, 0.6), False),
        ((INSTALMENT, 0.1, 0.7), (INSTALMENT, 0.1, 0.6), False),
    ],
)
def test_a_test_that_another_covers_is_known(first, second, idle):
    """The dearer and the longer bill takes more: whoever fails the lesser test fails the greater one, too."""
    wide, narrow = (bill(of, rate, above) for of, rate, above in (first, second))
    assert wide.covers(narrow) is idle


def test_the_rate_is_a_line_of_the_policy():
    """Another rate is another policy: the receipt of a decision names the one that it was tested with."""
    ten, eleven = (parse_policy(rule(SOUND.replace("0.1,", f"{rate},"))) for rate in (0.1, 0.11))
    assert ten.policy_id != eleven.policy_id
    assert ten.features == ("annual_income", "loan_amount", "loan_term", "dti")


def test_an_exact_share_needs_no_context(make_event):
    """A caller's precision of decimals changes no decision."""
    application = asked(make_event, "1234567.89", "987654.32", "19.99", "1234.56").application
    share = exact_share(bill(REPAYMENTS), application)
    with localcontext() as context:
        context.prec = 3
        assert exact_share(bill(REPAYMENTS), application) == share
