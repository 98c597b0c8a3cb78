"""Whose a document is: nobody is approved on one that is not shown to be theirs."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.verification import Extraction
from scoring.checks import verify
from scoring.decision import Scorer
from scoring.holders import SAME_PAY
from scoring.identifiers import IDENTIFYING
from scoring.policy_document import parse_policy
from scoring.shipped import shipped_policy_text
from scoring.similarity import NAME_MATCH, NEAR_MATCH, person_similarity

NAME = "Kavya Deshmukh"
YEAR = {"payslip": ("gross_monthly", "100000.00"), "bank_statement": ("annual_net_income", "936000.00")}
PAY = {"payslip": "net_monthly", "bank_statement": "salary_credit"}


def document(number=1, kind="payslip", *, confidence=0.99, income=True, pay=None, pay_confidence=0.99, **fields):
    """A document that bears out an income of 1,200,000, or the month's `income`, and shows what it is given."""
    year, amount = YEAR[kind]
    if isinstance(income, str):
        amount = income if kind == "payslip" else str(12 * Decimal(income))
    pairs = [(name, value, confidence) for name, value in fields.items()]
    pairs += [(year, amount, 0.99)] if income else []
    pairs += [(PAY[kind], pay, pay_confidence)] if pay else []
    return Extraction.model_validate(
        {
            "sha256": f"{number:064x}",
            "kind": kind,
            "status": "read",
            "reader": "text",
            "lane": "fast",
            "pages": 1,
            "fields": tuple(
                {"name": name, "value": value, "confidence": sure, "page": 1} for name, value, sure in pairs
            ),
        }
    )


def slip(number=1, **fields):
    return document(number, "payslip", **fields)


def statement(number=2, **fields):
    return document(number, "bank_statement", **fields)


@pytest.fixture
def application(make_event):
    def make(name=NAME, **identifiers):
        named = {"name": name} if name else {}
        claimed = [{"kind": kind, "value": value} for kind, value in identifiers.items()]
        return make_event(annual_income=1_200_000, applicant={**named, "identifiers": claimed}).application

    return make


def holders(application, *documents):
    """The overall result, and per document the result and label of the check that speaks of its holder."""
    checks, result = verify(application, documents)
    return result, {int(c.document, 16): (c.result, c.label) for c in checks if c.claim == "holder"}


@pytest.mark.parametrize("make", [slip, statement])
def test_a_document_of_whom_the_application_does_not_say_bears_nothing_out(application, make):
    """Anybody's payslip shows an income: without `applicant.name` nothing says that it is the applicant's."""
    one = make(1, holder_name=NAME)
    assert holders(application(name=None), one) == ("not_provided", {1: ("not_provided", None)})
    assert holders(application(), one) == ("verified", {})


@pytest.mark.parametrize("make", [slip, statement])
def test_a_document_on_which_no_name_was_read_is_looked_at_by_a_person(application, make):
    """A statement whose layout hides its holder could be anybody's."""
    assert holders(application(), make(1)) == ("unreadable", {1: ("unreadable", None)})


@pytest.mark.parametrize("kind", sorted(IDENTIFYING))
def test_an_identifier_ties_where_a_name_does_not(application, kind):
    """A tax number or an account number that one person has says whose a document is."""
    claimed = application(name=None, **{kind: "ABCDE-1234-F"})
    assert holders(claimed, slip(**{kind: "abcde1234f"})) == ("verified", {})
    assert holders(claimed, slip(**{kind: "abcde1234g"}))[0] == "mismatch"
    assert holders(claimed, slip())[0] == "not_provided"


@pytest.mark.parametrize(
    ("kind", "value"), [("period", "2026-01"), ("employer", "Indus Foods"), ("account_last4", "4821"), ("pan", "--")]
)
def test_what_many_have_ties_nothing(application, kind, value):
    """A month, an employer, four digits or no digit at all are no identity, though the bank calls it an identifier."""
    claimed = application(name=None, **{kind: value})
    assert holders(claimed, slip(**{kind: value}))[0] in {"not_provided", "mismatch"}


MASKED = [
    "XXXX XXXX 1234",
    "xxxx-xxxx-123456",
    "****1234",
    "••••••123456",
    "XX123456",
    "123456XX",
    "XXXXX1234F",
    "ABXXXX234F",
    "\u0425\u0425\u0425\u0425 5678 1234",  # Cyrillic
    "XX56XX781234",
    "####5678",
    "....567812",
    "____567812",
    "1234…5678",
    "5678\u00d7\u00d71234",
    "XXXXXXXXXXXX",
]


@pytest.mark.parametrize("kind", sorted(IDENTIFYING))
@pytest.mark.parametrize("value", MASKED)
def test_what_is_masked_ties_nothing(application, kind, value):
    """The last four digits, in the dress of a whole number, are those of one in ten thousand others."""
    assert holders(application(name=None, **{kind: value}), slip(**{kind: value}))[0] == "not_provided"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("pan", "AXXPX1234X"),
        ("pan", "XXXPK-1234-X"),
        ("passport_number", "X1234567"),
        ("aadhaar", "9999 1111 2222"),
        ("iban", "DE02 1203 0000 0000 2020 51"),
        ("account_number", "0000-0012/34"),
        ("national_id", "१२३४५६७८"),
    ],
)
def test_what_is_written_out_ties_whatever_its_letters(application, kind, value):
    """An X may be a letter like any other, and zeros are digits."""
    assert holders(application(name=None, **{kind: value}), slip(**{kind: value}))[0] == "verified"


@pytest.mark.parametrize(("named", "other"), [(slip, statement), (statement, slip)])
def test_a_pay_that_stands_on_both_to_the_cent_makes_them_one_persons(application, named, other):
    """A payslip by name and a nameless statement that its net pay came in on are the same person's, and the reverse."""
    tied, nameless = named(1, holder_name=NAME, pay="78000.50"), other(2, pay="78000.50")
    assert holders(application(), tied, nameless) == ("verified", {2: ("verified", SAME_PAY)})
    assert holders(application(), nameless, tied)[0] == "verified"
    assert holders(application(), tied, other(2, pay="78000.49"))[0] == "mismatch"
    assert holders(application(), tied, other(2))[0] == "unreadable"


def test_a_pay_links_through_a_statement_to_the_next_payslip(application):
    """Three months' payslips on one statement: the name on one of them is enough."""
    slips = [slip(1, holder_name=NAME, pay="78000.50"), slip(3, pay="78000.50"), slip(4, pay="78000.50")]
    result, said = holders(application(), *slips[::-1], statement(2, pay="78000.50"))
    assert (result, said) == ("verified", dict.fromkeys((2, 3, 4), ("verified", SAME_PAY)))


@pytest.mark.parametrize(
    "tied",
    [
        slip(1, holder_name=NAME, pay="78000.50", pay_confidence=0.6),  # read by a guess
        slip(
            1, holder_name=NAME, pay="78000.50", income=False
        ),  # the statement would bear out what the payslip does not
        slip(1, pay="78000.50"),  # nobody's either
        statement(1, holder_name=NAME, pay="78000.50"),  # two statements of one pay are no pair
        slip(1, holder_name=NAME, pay="0.00"),
    ],
)
def test_what_does_not_link(application, tied):
    """A pay links only what bears the claim out by itself, is tied by itself and was read surely, slip to statement."""
    (pay,) = (field.value for field in tied.fields if field.name in PAY.values())
    assert holders(application(), tied, statement(2, pay=pay))[0] != "verified"


def test_a_pay_that_is_doubted_on_one_statement_does_not_link_it(application):
    """That the pay was read surely on another statement says nothing of this one."""
    sure = [slip(1, holder_name=NAME, pay="78000.50"), statement(2, holder_name=NAME, pay="78000.50")]
    doubted = statement(3, pay="78000.50", pay_confidence=0.6)
    assert holders(application(), *sure, doubted) == ("unreadable", {3: ("unreadable", None)})


def test_a_name_that_its_reader_doubts_ties_nothing(application):
    """A name read by a guess neither shows whose the document is nor accuses anybody."""
    for name in (NAME, "Rajesh Sharma"):
        checks, result = verify(application(), [slip(holder_name=name, confidence=0.6)])
        assert result == "unreadable"
        assert [check.result for check in checks if check.claim == "name"] == ["unreadable"]


def test_a_document_that_bears_nothing_out_needs_no_holder(application):
    """Beside a payslip that is the applicant's, a paper that shows no income does no harm."""
    assert holders(application(), slip(holder_name=NAME), statement(income=False)) == ("verified", {})


TWO_NAMES = [
    ("Dev Rao", "Mira Sen", None),
    ("Suresh Kumar", "S. Kumar", NEAR_MATCH),
    ("Rajesh Kumar Sharma", "Rajesh Mohan Sharma", None),
    ("Anita Rao", "Anita Rao Sharma", NEAR_MATCH),
    ("सुनीता शर्मा", "सीता शर्मा", NEAR_MATCH),
]
PAN, ACCOUNT = "ABCDE1234F", "998877665"


@pytest.mark.parametrize(("one", "other", "label"), TWO_NAMES)
def test_two_documents_that_name_two_persons_do_not_both_tie(application, one, other, label):
    """A number of one's and a number of another's are not one applicant's, whatever both equal."""
    claimed = application(name=None, pan=PAN, account_number=ACCOUNT)
    found = slip(1, holder_name=one, pan=PAN), statement(2, holder_name=other, account_number=ACCOUNT)
    assert holders(claimed, *found) == ("mismatch", {2: ("mismatch", label)})
    assert holders(claimed, *found[::-1]) == ("mismatch", {1: ("mismatch", label)})
    assert holders(claimed, found[0], statement(2, account_number=ACCOUNT))[0] == "verified"


def test_the_name_that_was_claimed_does_not_make_two_persons_one(application):
    """Rajesh Sharma may be Rajesh Kumar Sharma or Rajesh Mohan Sharma, and is not both."""
    found = slip(1, holder_name="Rajesh Kumar Sharma"), statement(2, holder_name="Rajesh Mohan Sharma")
    assert [holders(application(name="Rajesh Sharma"), one)[0] for one in found] == ["verified"] * 2
    assert holders(application(name="Rajesh Sharma"), *found) == ("mismatch", {2: ("mismatch", None)})


def test_names_that_differ_by_a_guess_are_looked_at(application):
    """Of a name that its reader doubts nobody says that it is another one's."""
    claimed = application(name=None, pan=PAN)
    doubted = slip(2, holder_name="Mira Sen", pan=PAN, confidence=0.6)
    assert holders(claimed, slip(1, holder_name="Dev Rao", pan=PAN), doubted)[0] == "unreadable"


@pytest.mark.parametrize(
    ("on_tied", "on_other", "result"),
    [
        ("Dev Rao", "Mira Sen", "not_provided"),
        (None, "Mira Sen", "not_provided"),
        ("Suresh Kumar", "S. Kumar", "not_provided"),
        ("Dev Rao", "RAO DEV", "verified"),
        ("Dev Rao", None, "verified"),
        (None, None, "verified"),
    ],
)
def test_a_pay_does_not_link_whom_it_names_to_whom_an_identifier_ties(application, on_tied, on_other, result):
    """Where the application names nobody, a colleague's statement of the same pay is not the applicant's."""
    tied, other = ({"holder_name": name} if name else {} for name in (on_tied, on_other))
    found = slip(1, pan=PAN, pay="78000.50", **tied), statement(2, pay="78000.50", **other)
    assert holders(application(name=None, pan=PAN), *found)[0] == result
    assert holders(application(name=None, pan=PAN), *found[::-1])[0] == result


def test_a_nameless_document_between_them_does_not_make_two_names_one(application):
    """A statement that names nobody links the next payslip only if that names whom the first one names."""
    tied, between = slip(1, pan=PAN, holder_name="Dev Rao", pay="78000.50"), statement(2, pay="78000.50")
    for name, result in (("Mira Sen", "not_provided"), ("Dev Rao", "verified")):
        third = slip(3, holder_name=name, pay="78000.50")
        assert holders(application(name=None, pan=PAN), tied, between, third)[0] == result


named = st.builds(
    lambda make, number, name, pan, account: make(
        number,
        pay="78000.50",
        **{
            field: value for field, value in (("holder_name", name), ("pan", pan), ("account_number", account)) if value
        },
    ),
    st.sampled_from([slip, statement]),
    st.integers(1, 9),
    st.sampled_from(
        [None, "Dev Rao", "Rao Dev", "D. Rao", "Dev Rao Iyer", "Dev Anand Rao", "Dev Kumar Rao", "Mira Sen"]
    ),
    st.sampled_from([None, PAN]),
    st.sampled_from([None, ACCOUNT]),
)


@settings(max_examples=3 * settings.default.max_examples)
@given(
    documents=st.lists(named, min_size=2, max_size=4, unique_by=lambda one: one.sha256),
    claim=st.sampled_from([None, "Dev Rao"]),
)
def test_what_verifies_names_one_person(make_event, documents, claim):
    """Whatever ties them: of documents that were verified together all names are one person's."""
    numbers = [{"kind": "pan", "value": PAN}, {"kind": "account_number", "value": ACCOUNT}]
    applicant = ({"name": claim} if claim else {}) | {"identifiers": numbers}
    application = make_event(annual_income=1_200_000, applicant=applicant).application
    if verify(application, documents).result == "verified":
        names = [field.value for one in documents for field in one.fields if field.name == "holder_name"]
        assert all(person_similarity(one, other) >= NAME_MATCH for one in names for other in names)


documents = st.lists(
    st.builds(
        lambda make, number, holder, period, income, pay, sure: make(
            number,
            income=income,
            pay=pay,
            pay_confidence=sure,
            **({"holder_name": holder} if holder else {}),
            **({"period": period} if period else {}),
        ),
        st.sampled_from([slip, statement]),
        st.integers(1, 9),
        st.sampled_from([None, None, "Rajesh Sharma"]),
        st.sampled_from([None, "2026-01"]),
        st.booleans(),
        st.sampled_from([None, "78000.50", "78000.50", "52000.00"]),
        st.sampled_from([0.6, 0.99]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one.sha256,
)


@given(documents=documents, name=st.sampled_from([None, NAME]))
def test_no_documents_that_nothing_ties_verify(make_event, documents, name):
    """Whatever they show, and however they agree with each other: without a tie to the applicant nothing is verified."""
    applicant = {"name": name} if name else {}
    applicant["identifiers"] = [{"kind": "period", "value": "2026-01"}]
    application = make_event(annual_income=1_200_000, applicant=applicant).application
    assert verify(application, documents).result != "verified"


@given(documents=documents, of=st.sampled_from([slip, statement]), pay=st.sampled_from([None, "78000.50"]))
def test_one_that_is_tied_does_not_carry_a_stranger_s(make_event, documents, of, pay):
    """Beside a document of the applicant's, each other one that bears out the income is linked to it, or refers."""
    application = make_event(annual_income=1_200_000, applicant={"name": NAME}).application
    checks, result = verify(application, [of(77, holder_name=NAME, pay=pay), *documents])
    bearing = {check.document for check in checks if check.claim == "annual_income"} - {f"{77:064x}"}
    linked = {check.document for check in checks if (check.claim, check.result) == ("holder", "verified")}
    assert linked <= bearing
    if result == "verified":
        assert bearing == linked
        assert pay or not bearing


PAID = ("50000.00", "78000.50")
paid = st.builds(
    lambda make, number, holder, year, pay: make(
        number, income=year, pay=pay, **({"holder_name": NAME} if holder else {})
    ),
    st.sampled_from([slip, statement]),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from([None, "50000.00", "80000.00", "100000.00", "240000.00"]),
    st.sampled_from([None, *PAID, *PAID]),
)


@settings(max_examples=4 * settings.default.max_examples)
@given(
    documents=st.lists(paid, min_size=1, max_size=4, unique_by=lambda one: one.sha256),
    claim=st.sampled_from([600_000, 960_000, 1_200_000, 1_500_000, 3_000_000]),
)
def test_what_is_linked_bears_nothing_out_that_the_applicant_s_own_does_not(make_event, documents, claim):
    """Take away the documents that name nobody: where all were verified, those that are left still bear the income out."""
    application = make_event(annual_income=claim, applicant={"name": NAME}).application
    checks, result = verify(application, documents)
    named = {check.document for check in checks if check.claim == "name"}
    if result == "verified":
        own, _ = verify(application, [one for one in documents if one.sha256 in named])
        assert {check.result for check in own if check.claim == "annual_income"} == {"verified"}


def events(make_event, application, *found, **changes):
    made = verify(application, found)
    fields = json.loads(application.model_dump_json(exclude_none=True))
    return make_event(
        made.result,
        [json.loads(one.model_dump_json(exclude_none=True)) for one in found],
        [json.loads(one.model_dump_json(exclude_none=True)) for one in made.checks],
        **{name: fields[name] for name in ("applicant", "annual_income")},
        **changes,
        documents=[
            {"kind": one.kind, "sha256": one.sha256, "media_type": "application/pdf", "size": 9} for one in found
        ],
    )


@pytest.mark.parametrize(("name", "code"), [(None, "holder_not_checked"), (NAME, "holder_not_read")])
def test_the_decision_says_that_nobody_checked_whose_documents_they_are(
    make_event, application, standard, decide_one, name, code
):
    """Whom the score approves is referred, and reasons and basis say why in a sentence."""
    modest = {"amount": "2500000.00", "term_years": "8.00"}
    shown = decide_one(standard, events(make_event, application(), slip(holder_name=NAME), loan=modest))
    assert (shown["outcome"], shown["basis"]) == ("approve", ["documents_verified"])
    decision = decide_one(standard, events(make_event, application(name), slip(), loan=modest))
    assert decision["outcome"] == "refer"
    assert code in [reason["code"] for reason in decision["reasons"]]
    assert code in decision["basis"]
    assert "documents_verified" not in decision["basis"]


@pytest.mark.parametrize(
    ("found", "first"),
    [
        (document(1, holder_name=NAME, confidence=0.6), "holder_not_read"),
        (slip(1), "holder_not_read"),
        (document(1, holder_name=NAME, currency="INR", confidence=0.6), "documents_unreadable"),
        (slip(1).model_copy(update={"status": "unreadable", "reason": "no_text_layer"}), "documents_unreadable"),
    ],
)
def test_a_document_of_which_the_name_alone_was_unsure_was_read(
    make_event, application, scorers, decide_one, found, first
):
    """Whoever is told that a document could not be read has one that could not; else the reason is its name."""
    for scorer in scorers.values():
        own = statement(2, holder_name=NAME)
        decision = decide_one(scorer, events(make_event, application(), found, own))
        codes = [reason["code"] for reason in decision["reasons"] if reason["decisive"]]
        if decision["outcome"] == "refer":
            assert codes[0] == decision["basis"][0] == first
        assert ("documents_unreadable" in {*codes, *decision["basis"]}) is (first == "documents_unreadable")
        assert len(decision["basis"]) == len(set(decision["basis"]))


@pytest.mark.parametrize("name", [None, NAME])
def test_under_no_shipped_policy_do_they_stand_in_the_basis(make_event, application, scorers, decide_one, name):
    """A policy that approves without documents may approve: the basis then names none that supports the claims."""
    for scorer in scorers.values():
        basis = decide_one(scorer, events(make_event, application(name), slip()))["basis"]
        assert "documents_verified" not in basis
        assert {"holder_not_checked", "holder_not_read"} & set(basis)


ASKS = "rules:\n  - {code: income_from_net_credits, outcome: refer, instead_of: approve, income_from: net_credits"


@pytest.mark.parametrize(
    ("row", "outcome"),
    [("}", "refer"), (", difference_above: 0.21}", "refer"), (", difference_above: 0.22}", "approve")],
)
def test_a_policy_says_how_far_it_takes_net_credits_for_a_gross_income(
    make_event, application, bundles, decide_one, row, outcome
):
    """A bank may want a person wherever a gross income was inferred, or where it was stretched too far."""
    asking = Scorer(bundles["default"], parse_policy(shipped_policy_text("standard").replace("rules:", ASKS + row)))
    modest = {"amount": "2500000.00", "term_years": "8.00"}
    decision = decide_one(asking, events(make_event, application(), statement(holder_name=NAME), loan=modest))
    assert decision["outcome"] == outcome  # the claim exceeds the net credits by 0.22 of itself
    said = [reason["code"] for reason in decision["reasons"] if reason["decisive"]]
    assert said == (["income_from_net_credits"] if outcome == "refer" else [])
    shown = decide_one(asking, events(make_event, application(), slip(holder_name=NAME), loan=modest))
    assert shown["outcome"] == "approve"


LINKED = slip(pay="78000.50")
"""Anybody's payslip of the pay that stands on the applicant's statement."""


def test_what_a_pay_links_does_not_show_the_gross_income(make_event, application, bundles, decide_one):
    """The doubt about an inferred income is not taken away by a payslip that names nobody."""
    asking = Scorer(bundles["default"], parse_policy(shipped_policy_text("standard").replace("rules:", ASKS + "}")))
    modest = {"amount": "2500000.00", "term_years": "8.00"}
    own = statement(holder_name=NAME, pay="78000.50")
    for other, outcome in ((LINKED, "refer"), (slip(pay="78000.50", holder_name=NAME), "approve")):
        found = events(make_event, application(), own, other, loan=modest)
        assert found.verification_result == "verified"
        assert decide_one(asking, found)["outcome"] == outcome


def test_a_basis_of_net_credits_alone_says_so(make_event, application, standard, decide_one):
    """A statement shows what was left of an income: a decision that saw nothing else says that it was inferred."""
    net, gross = statement(holder_name=NAME, pay="78000.50"), slip(holder_name=NAME)
    for found, inferred in (([net], True), ([net, gross], False), ([gross], False), ([net, LINKED], True)):
        basis = decide_one(standard, events(make_event, application(), *found))["basis"]
        assert ("income_from_net_credits" in basis) is inferred
        assert "documents_verified" in basis
