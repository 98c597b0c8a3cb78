"""Claims held against documents."""

from importlib import resources

import pytest

from schemas.decode import decode_own
from schemas.verification import CHECKS_MAX, ApplicationVerified, Extraction
from scoring.checks import FROM_NET, MISREAD, verify
from scoring.similarity import NEAR_MATCH

SLIP, STATEMENT = "1" * 64, "2" * 64
NAME = "Anita Iyer"


@pytest.fixture
def make_event(make_event):
    """Applications of NAME, where a test names nobody else."""
    return lambda applicant=None, **changes: make_event(applicant={"name": NAME} | (applicant or {}), **changes)


def extraction(kind="payslip", sha256=None, status="read", reason=None, findings=(), confidence=1.0, **fields):
    """A document of NAME, where a test gives no other holder."""
    fields = {"holder_name": NAME} | fields
    values = [
        {"name": name, "value": value, "confidence": confidence, "page": 1}
        for name, many in fields.items()
        for value in (many if isinstance(many, list) else [many])
    ]
    return Extraction.model_validate(
        {
            "sha256": sha256 or (SLIP if kind == "payslip" else STATEMENT),
            "kind": kind,
            "status": status,
            "reason": reason,
            "reader": "text/1",
            "lane": "fast",
            "pages": 1,
            "fields": tuple(values),
            "findings": tuple(findings),
        }
    )


def checked(application, *extractions):
    return verify(application, extractions)


def of_income(application, *extractions):
    """The one check of the income, and the overall result."""
    checks, overall = verify(application, extractions)
    (check,) = (check for check in checks if check.claim == "annual_income")
    return check, overall


@pytest.mark.parametrize(
    ("claimed", "gross_monthly", "result", "label"),
    [
        (1_200_000, "100000.00", "verified", None),
        (1_200_000, "80000.00", "verified", None),  # exactly a fifth too high: the limit itself passes
        (1_200_000, "79999.00", "mismatch", None),
        (1_200_000, "300000.00", "verified", None),  # more than claimed is no fraud
        (12_000_000, "100000.00", "mismatch", MISREAD),  # a digit too many
        (2_000_000, "83333.33", "mismatch", None),
    ],
)
def test_income_is_compared_by_relative_difference_and_direction(make_event, claimed, gross_monthly, result, label):
    """A claim more than a fifth above the payslip's gross is a mismatch; a payslip above the claim is not."""
    application = make_event(annual_income=claimed).application
    check, overall = of_income(application, extraction(gross_monthly=gross_monthly))
    assert (check.claim, check.result, check.label, overall) == ("annual_income", result, label, result)
    assert check.difference == pytest.approx((claimed - 12 * float(gross_monthly)) / claimed)


@pytest.mark.parametrize("gross_monthly", ["100000.00", "10000.00"])
def test_a_figure_that_the_reader_doubts_neither_bears_out_nor_contradicts(make_event, gross_monthly):
    """What was read by a guess approves nobody and accuses nobody: a person looks at the document."""
    application = make_event(annual_income=1_200_000).application
    check, overall = of_income(application, extraction(gross_monthly=gross_monthly, confidence=0.6))
    assert (check.result, overall) == ("unreadable", "unreadable")


@pytest.mark.parametrize(
    ("paid", "credited", "result"), [(0.6, 1.0, "unreadable"), (1.0, 0.6, "unreadable"), (0.9, 0.9, "mismatch")]
)
def test_a_net_pay_that_the_reader_doubts_contradicts_nothing(make_event, paid, credited, result):
    """Two documents contradict each other by what was read surely in both."""
    slip = extraction(gross_monthly="100000.00", net_monthly="80000.00", confidence=paid)
    statement = extraction("bank_statement", salary_credit="79999.00", confidence=credited)
    checks, _ = checked(make_event(annual_income=1_200_000).application, slip, statement)
    assert [check.result for check in checks if check.claim == "net_pay"] == [result]


@pytest.mark.parametrize(("currency", "result"), [("INR", "verified"), ("IDR", "mismatch"), ("GBP", "mismatch")])
def test_amounts_in_another_currency_bear_nothing_out(make_event, currency, result):
    """1,440,000 rupiah are no 1,440,000 rupees."""
    application = make_event(annual_income=1_200_000).application
    _, overall = checked(application, extraction(gross_monthly="100000.00", currency=currency))
    assert overall == result


def test_the_papers_similarity_stands_beside(make_event):
    """The paper's S of the whole amounts is published: 1,250,000 against 125,000 is 0.857."""
    check, _ = of_income(make_event(annual_income=1_250_000).application, extraction(gross_annual="125000.00"))
    assert round(check.similarity, 3) == 0.857
    assert check.result == "mismatch"


@pytest.mark.parametrize(
    ("net", "result"),
    [
        ("800000.00", "verified"),  # a third went in tax and contributions
        ("780000.00", "verified"),  # exactly 0.35: the limit itself passes
        ("779999.99", "mismatch"),
        ("600000.00", "mismatch"),
        ("2400000.00", "verified"),
    ],
)
def test_net_credits_stand_for_as_much_gross_as_pay_can_lose(make_event, net, result):
    """A third less net than gross is honest; a claim of twice the net credits is not."""
    application = make_event(annual_income=1_200_000).application
    assert of_income(application, extraction("bank_statement", annual_net_income=net))[1] == result


@pytest.mark.parametrize(
    ("paid", "gross", "credited", "confidence", "result"),
    [
        ("50000.00", "100000.00", "50000.00", 1.0, "verified"),  # a loan is paid back from the pay
        ("50000.00", "100000.00", "49999.99", 1.0, "mismatch"),
        ("50000.00", "79000.00", "50000.00", 1.0, "mismatch"),  # so little taken off does not make the claim
        ("50000.00", "100000.00", "50000.00", 0.6, "mismatch"),
    ],
)
def test_a_payslip_shows_what_was_taken_off(make_event, paid, gross, credited, confidence, result):
    """Half a pay that goes off before it is paid out is no contradiction where the payslip of that pay shows it."""
    application = make_event(annual_income=1_200_000).application
    slip = extraction(gross_monthly=gross, net_monthly=paid, confidence=confidence)
    statement = extraction("bank_statement", annual_net_income="600000.00", salary_credit=credited)
    checks, _ = checked(application, slip, statement)
    (found,) = (check.result for check in checks if check.field == "annual_net_income")
    assert found == result


@pytest.mark.parametrize(
    ("gross", "credited", "holder", "result"),
    [
        ("100000.00", "70000.00", NAME, "verified"),
        ("100000.00", "69999.99", NAME, "unreadable"),  # another pay: the year is shown by nothing
        ("100000.00", "70000.00", [], "unreadable"),  # nobody's payslip
        ("60000.00", "70000.00", NAME, "unreadable"),  # it shows another income than the one claimed
    ],
)
def test_a_year_that_one_month_does_not_show_is_shown_by_the_payslip_of_that_pay(
    make_event, gross, credited, holder, result
):
    """A statement of one month beside its payslip is the most usual pair there is: it takes nothing from the payslip."""
    application = make_event(annual_income=1_200_000).application
    slip = extraction(gross_monthly=gross, net_monthly="70000.00", holder_name=holder)
    year = extraction("bank_statement", annual_net_income="840000.00", confidence=0.6, holder_name=[])
    pay = extraction("bank_statement", salary_credit=credited)
    statement = pay.model_copy(update={"fields": (*year.fields, *pay.fields)})
    checks, overall = checked(application, slip, statement)
    (found,) = (check.result for check in checks if check.field == "annual_net_income")
    assert found == result
    assert (overall == "verified") == (result == "verified")


def test_a_payslip_that_is_nobodys_explains_nothing(make_event):
    """The statement would tie the payslip, and the payslip bear out what the statement does not: one may not lean on
    the other.
    """
    application = make_event(annual_income=1_200_000).application
    slip = extraction(gross_monthly="100000.00", net_monthly="50000.00", holder_name=[])
    statement = extraction("bank_statement", annual_net_income="600000.00", salary_credit="50000.00")
    assert checked(application, slip, statement)[1] == "mismatch"


def test_net_credits_above_the_claim_are_no_misread_digit(make_event):
    """Whoever is paid more than he claims is labelled as one whose income was inferred, however alike the digits."""
    statement = extraction("bank_statement", annual_net_income="2200000.00")
    check, overall = of_income(make_event(annual_income=1_200_000).application, statement)
    assert (check.label, overall) == (FROM_NET, "verified")


def test_an_income_that_was_inferred_is_labelled_so(make_event):
    """Of net credits the gross income is inferred, and the check says so; a payslip shows it."""
    application = make_event(annual_income=1_200_000).application
    inferred, _ = of_income(application, extraction("bank_statement", annual_net_income="900000.00"))
    shown, _ = of_income(application, extraction(gross_monthly="100000.00"))
    assert (inferred.label, shown.label) == (FROM_NET, None)


def test_a_payslips_net_pay_stands_on_the_statement_to_the_cent(make_event):
    """Net pay equal to some month's salary credit verifies; a cent's difference does not."""
    application = make_event(annual_income=1_200_000).application
    slip = extraction(gross_monthly="100000.00", net_monthly="78000.50")
    same = extraction("bank_statement", annual_net_income="936006.00", salary_credit=["78000.00", "78000.50"])
    other = extraction("bank_statement", annual_net_income="936006.00", salary_credit=["78000.00", "78000.49"])
    assert checked(application, slip, same)[1] == "verified"
    checks, overall = checked(application, slip, other)
    assert overall == "mismatch"
    assert [c.result for c in checks if c.claim == "net_pay"] == ["mismatch"]


@pytest.mark.parametrize(
    ("claimed", "found", "result", "label"),
    [
        ("Rajesh Kumar Sharma", "SHARMA RAJESH KUMAR", "verified", None),
        ("Mr. Rajesh K. Sharma", "Rajesh Kumar Sharma", "verified", None),
        ("Ananya Iyer", "Ananya lyer", "verified", None),
        ("José Núñez", "JOSE NUNEZ", "verified", None),
        ("Rajesh Kumar Sharma", "Rakesh Kumar Sharma", "mismatch", NEAR_MATCH),
        ("Rajesh Sharma", "Priya Sharma", "mismatch", None),
        ("R. S.", "Rajesh Sharma", "mismatch", NEAR_MATCH),  # half the country has these initials
    ],
)
def test_names_are_compared_token_by_token(make_event, claimed, found, result, label):
    """Order, initials, titles, accents and look-alike letters do not count; one differing name does."""
    application = make_event(applicant={"name": claimed}).application
    checks, _ = checked(application, extraction(gross_monthly="400000.00", holder_name=found))
    assert [(c.result, c.label) for c in checks if c.claim == "name"] == [(result, label)]


def test_employers_and_identifiers(make_event):
    """An employer's legal form does not count; an identifier has to be equal but for its punctuation."""
    application = make_event(
        applicant={"employer": "Meridian Textiles Pvt Ltd", "identifiers": [{"kind": "pan", "value": "ABCDE-1234-F"}]}
    ).application
    good = extraction(gross_monthly="400000.00", employer="MERIDIAN TEXTILES PRIVATE LIMITED", pan="abcde1234f")
    bad = extraction(gross_monthly="400000.00", employer="Borealis Foods Limited", pan="ABCDE1235F")
    assert checked(application, good)[1] == "verified"
    assert {c.claim: c.label for c in checked(application, bad)[0] if c.result == "mismatch"} == {
        "employer": None,
        "identifier": NEAR_MATCH,
    }


def test_the_worst_result_wins(make_event):
    """Suspicion stands above mismatch, mismatch above a reader that is down, that above an unreadable document."""
    application = make_event(annual_income=12_000_000).application
    mismatch = extraction(gross_monthly="100000.00")
    forged = extraction("bank_statement", annual_net_income="9000000.00", findings=["arithmetic_break"])
    down = extraction("other", sha256="3" * 64, status="unavailable", reason="deadline")
    unreadable = extraction("other", sha256="4" * 64, status="unreadable", reason="encrypted")
    everything = [forged, mismatch, down, unreadable]
    for worst in ("suspicious", "mismatch", "unavailable", "unreadable"):
        assert checked(application, *everything)[1] == worst
        everything.pop(0)


def test_without_documents_nothing_was_provided(make_event):
    """No documents: no checks, and the result says so; likewise documents that say nothing of the income."""
    application = make_event().application
    assert checked(application) == ((), "not_provided")
    assert checked(application, extraction("identity", sha256="5" * 64))[1] == "not_provided"


def test_a_document_that_nobody_read_is_unreadable(make_event):
    """A document that is named but has no extraction never counts as verified."""
    document = {"kind": "payslip", "sha256": "9" * 64, "media_type": "application/pdf", "size": 1}
    application = make_event(documents=[document]).application
    assert checked(application, extraction(gross_monthly="400000.00"))[1] == "unreadable"


def test_a_reading_that_is_no_amount_is_no_evidence(make_event):
    """Text, NaN or an absurd number where money should stand neither verifies nor breaks anything."""
    application = make_event().application
    for value in ("n/a", "NaN", "Infinity", "1e99"):
        assert checked(application, extraction(gross_monthly=value))[1] == "not_provided"


def with_names(number, *names):
    """A payslip that shows the right income and these holders' names."""
    return extraction(sha256=f"{number:064x}", gross_monthly="100000.00", holder_name=list(names))


def test_a_contradiction_behind_two_hundred_checks_counts(make_event):
    """An application does not bury a contradicting document under twenty that agree: the verdict is drawn from all
    checks, and the contradiction is among those that are kept.
    """
    application = make_event(annual_income=1_200_000, applicant={"name": NAME}).application
    agree = [with_names(number, *["Anita Iyer"] * 11) for number in range(19)]
    checks, result = checked(application, *agree, with_names(19, "Anita Iyer", "Rajesh Sharma"))
    assert result == "mismatch"
    assert len(checks) == CHECKS_MAX
    assert [check.result for check in checks] == ["mismatch"] + ["verified"] * (CHECKS_MAX - 1)
    assert checks[0].found == "Rajesh Sharma"
    assert [check.claim for check in checks[1:]] == ["annual_income"] * 20 + ["name"] * 179


@pytest.mark.parametrize("names", [9, 10])
def test_checks_that_fit_stay_in_the_order_of_claims_and_documents(make_event, names):
    """Where nothing has to be left out nothing is moved, not even for a contradiction."""
    application = make_event(annual_income=1_200_000, applicant={"name": NAME}).application
    slips = [with_names(number, *["Anita Iyer"] * (names - 1), "Rajesh Sharma") for number in range(18)]
    checks, result = checked(application, *slips)
    assert result == "mismatch"
    assert len(checks) == 18 + 18 * names <= CHECKS_MAX
    assert [check.document for check in checks[18:]] == [f"{number:064x}" for number in range(18) for _ in range(names)]
    assert [check.result for check in checks[18:]] == (["verified"] * (names - 1) + ["mismatch"]) * 18


def test_the_checks_of_an_example_are_what_they_were():
    """The checks of the published example come out as published, in its order."""
    text = (resources.files("schemas") / "examples" / "loan.application.verified.json").read_bytes()
    event = decode_own(ApplicationVerified, text)
    assert verify(event.application, event.extractions) == (event.checks, event.verification_result)
