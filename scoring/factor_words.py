"""How an applicant is told about a feature: in a sentence with a direction, with numbers that are never rounded onto
the one they are held against.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from scoring.policy import INSTALMENT, REPAYMENTS

DIGITS_MAX = 12
"""Decimals after which a number is told in words. Floats of ratios are right to about fifteen digits."""

Worse = Literal[-1, 0, 1]


@dataclass(frozen=True, slots=True)
class Scale:
    """How a number is written: `digits` decimals where these suffice; `person` puts its plain text into words, given
    the application's currency.
    """

    digits: int
    person: Callable[[str, str], str]


def _grouped(text: str, currency: str) -> str:
    """Thousands apart, no cents where there are none.

    >>> _grouped("12200000.00", "INR"), _grouped("-0.50", "INR")
    ('INR 12,200,000', 'INR -0.50')
    """
    whole, _, cents = text.partition(".")
    number = whole if -1000 < int(whole) < 1000 else f"{int(whole):,}"
    return f"{currency} {number}" if not cents.strip("0") else f"{currency} {number}.{cents}"


def _percent(text: str, _: str) -> str:
    """A share as a percentage.

    >>> _percent("0.625", "INR")
    '62.5 %'
    """
    return f"{Decimal(text).scaleb(2).normalize():f} %"


def _trimmed(text: str, _: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


MONEY = Scale(2, _grouped)
RATIO = Scale(2, lambda text, _: text)
SHARE = Scale(3, _percent)
YEARS = Scale(2, _trimmed)
WHOLE = Scale(0, lambda text, _: text)


def number(value: float, digits: int) -> str:
    """The plain text of a number; nought has no sign."""
    text = f"{value:.{digits}f}"
    return text[1:] if text[0] == "-" and not text.strip("-0.") else text


def apart(scale: Scale, value: float, other: str) -> str | None:
    """The number's text with as many digits as it takes to differ from the text `other`; None where none do.

    >>> apart(RATIO, 8.0, "6"), apart(RATIO, 6.0004, "6"), apart(RATIO, 6.0, "6")
    ('8.00', '6.0004', None)
    """
    text = number(value, scale.digits)
    if float(text) != (bound := float(other)):
        return text
    longer = (number(value, digits) for digits in range(scale.digits + 1, DIGITS_MAX + 1))
    return next((text for text in longer if float(text) != bound), None)


def both(scale: Scale, value: float, other: float) -> tuple[str, str] | None:
    """Two numbers with as many digits as it takes to tell them apart; None where none do.

    >>> both(RATIO, 2.438, 2.4351)
    ('2.438', '2.435')
    """
    for digits in range(scale.digits, DIGITS_MAX + 1):
        one, two = number(value, digits), number(other, digits)
        if one != two:
            return one, two
    return None


@dataclass(frozen=True, slots=True)
class Words:
    """`subject` tells the applicant's value, `{}`; `unit` follows a bound. `more` and `less` compare it with another's.
    `worse` is the side on which it can hurt (0: either).
    """

    subject: str
    scale: Scale
    worse: Worse
    more: str = "more"
    less: str = "less"
    unit: str = ""
    missing: str = "It is not stated"


_ASSETS = "The declared {} assets are {{}}"


def _assets(kind: str) -> Words:
    return Words(_ASSETS.format(kind), MONEY, -1)


WORDS: dict[str, Words] = {
    "dependents": Words("The application names {} dependents", WHOLE, 0),
    "annual_income": Words("The annual income is {}", MONEY, -1, "higher", "lower"),
    "loan_amount": Words("The loan amount asked for is {}", MONEY, 1),
    "loan_term": Words("The term asked for is {} years", YEARS, -1, "longer", "shorter", " years"),
    "cibil_score": Words("The CIBIL score is {}", WHOLE, -1, "higher", "lower", "", "There is no CIBIL score"),
    "residential_assets": _assets("residential"),
    "commercial_assets": _assets("commercial"),
    "luxury_assets": _assets("luxury"),
    "bank_assets": _assets("bank"),
    "total_assets": Words("All declared assets together are {}", MONEY, -1),
    "lti": Words("The loan is {} times the annual income", RATIO, 1, unit=" times"),
    "acr": Words("The declared assets are {} times the loan amount", RATIO, -1, unit=" times"),
    "dti": Words(
        "Existing obligations take {} of the income", SHARE, 1, missing="Existing monthly obligations are not named"
    ),
}
"""By feature. Those of FLAGS are no numbers."""

REPAYMENT_WORDS: dict[str, Words] = {
    INSTALMENT: Words("The instalment of this loan would take {} of the income", SHARE, 1),
    REPAYMENTS: Words("The instalment and the obligations named would together take {} of the income", SHARE, 1),
}
"""By what an affordability test is of. Where no obligations are named, the instalment alone counts."""

FLAGS: dict[str, tuple[str, str]] = {
    "education": ("The applicant is no graduate", "The applicant is a graduate"),
    "self_employed": ("The applicant is not self-employed", "The applicant is self-employed"),
}
"""Features that are false or true: what is told of either."""
