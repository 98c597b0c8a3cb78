from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.synthetic.applications import REPEATED_WITHIN, Shares, SyntheticApplication, synthesise
from producers.synthetic.malformed import FAULTS, MalformedRecord, malformed
from schemas.application import LoanApplication
from schemas.causes import CAUSES
from schemas.decode import Undecodable, decode
from schemas.topics import APPLICATION_MAX_BYTES

START = datetime(2026, 11, 2, 9, tzinfo=UTC)


def made(
    n: int = 60, seed: int = 1, tenant: str = "bank-a", shares: Shares | None = None
) -> list[SyntheticApplication]:
    return list(synthesise(n, seed, tenant, shares or Shares(), START))


def text_of(document: bytes) -> str:
    return pypdfium2.PdfDocument(document)[0].get_textpage().get_text_range()


def number(text: str, label: str) -> Decimal:
    """The first amount after a label."""
    after = text[text.index(label) + len(label) :]
    return Decimal(next(word for word in after.replace(":", " ").split() if word[0].isdigit()).replace(",", ""))


def cause_of(record: MalformedRecord, tenant: str) -> str | None:
    """Why a worker refuses the record, judged by the contract."""
    try:
        application = decode(LoanApplication, record.value)
    except Undecodable as error:
        return error.cause
    if application.tenant != tenant:
        return "tenant_mismatch"
    return "key_mismatch" if application.application_id.encode() != record.key else None


def test_same_seed_same_bytes():
    """The same seed makes the same applications and the same documents, byte for byte."""
    assert made() == made()


def test_other_seed_or_tenant_other_applicants():
    """Another seed, and another tenant, give other applicants with other documents."""
    alike = Shares(inflated=0, thin_file=0, broken=0, repeated=0, documents=1)
    runs = [made(10, shares=alike), made(10, seed=2, shares=alike), made(10, tenant="bank-b", shares=alike)]
    assert len({tuple(item.application.applicant.name for item in run) for run in runs}) == 3
    assert len({document.data for run in runs for item in run for document in item.documents}) == 60


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 120), st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0, 1))
def test_shares_are_met(n, inflated, thin_file, repeated):
    """As many applications are inflated, thin-file and repeated as was asked for, up to rounding."""
    shares = Shares(inflated=0, thin_file=thin_file, broken=0, repeated=repeated, documents=0)
    counts = Counter(item.truth for item in made(n, shares=shares))
    assert counts["thin_file"] == round(n * thin_file)
    assert counts["repeated"] == round(n * repeated)
    assert counts.total() == n + counts["repeated"]


def test_shares_with_documents_are_met():
    """Inflated and broken applications always show documents; of the others the share that was asked for."""
    items = made(100, shares=Shares(inflated=0.2, thin_file=0.1, broken=0.1, repeated=0, documents=0))
    assert Counter(item.truth for item in items) == {
        "honest": 60,
        "inflated": 20,
        "thin_file": 10,
        "broken_document": 10,
    }
    assert {item.truth for item in items if item.documents} == {"inflated", "broken_document"}


@pytest.mark.parametrize("wrong", [{"inflated": 1.5}, {"thin_file": -0.1}, {"inflated": 0.6, "broken": 0.6}])
def test_impossible_shares_are_refused(wrong):
    """Shares below nothing, above everything, or above everything together are refused."""
    with pytest.raises(ValueError, match="expected"):
        Shares(**wrong)


def test_repeats_equal_an_earlier_application():
    """A repeated application is one that was sent shortly before, unchanged."""
    items = made(200, shares=Shares(repeated=0.2))
    for index, item in enumerate(items):
        if item.truth == "repeated":
            earlier = [one.application for one in items[max(0, index - 2 * REPEATED_WITHIN) : index]]
            assert item.application in earlier
    ids = [item.application.application_id for item in items if item.truth != "repeated"]
    assert len(ids) == len(set(ids)) == 200


def test_thin_files_have_no_score():
    """A thin file has no CIBIL score; everybody else has one."""
    for item in made(100, shares=Shares(thin_file=0.3, repeated=0)):
        assert (item.application.cibil_score is None) == (item.truth == "thin_file")


def test_figures_are_spread_as_in_the_public_set():
    """Loan to income stays within 1.5 to 4, terms are even years, assets about cover the loan, CIBIL has no favourite."""
    applications = [item.application for item in made(500, shares=Shares(documents=0, inflated=0, broken=0))]
    for application in applications:
        assert Decimal("1.5") <= application.loan.amount / application.annual_income <= 4
        assert application.loan.term_years in range(2, 21, 2)
        assert application.annual_income % 100_000 == application.loan.amount % 100_000 == 0
    coverage = sorted(
        sum((a.assets.residential, a.assets.commercial, a.assets.luxury, a.assets.bank)) / a.loan.amount
        for a in applications
    )
    assert Decimal("0.5") < coverage[0]
    assert Decimal("1.8") < coverage[len(coverage) // 2] < Decimal("2.7")
    low = sum(application.cibil_score < 550 for application in applications if application.cibil_score)
    assert 0.3 < low / len(applications) < 0.5


def test_applications_survive_the_wire():
    """What is generated is what a worker reads."""
    for item in made():
        assert decode(LoanApplication, item.application.model_dump_json().encode()) == item.application


def test_documents_are_named_by_their_content():
    """Each application names exactly the documents that come with it."""
    for item in made():
        assert item.application.documents == tuple(document.ref for document in item.documents)


def test_honest_documents_agree_with_the_claim():
    """An honest applicant's payslip and statement name the applicant, and twelve payslips make the claimed income."""
    honest = [item for item in made(shares=Shares(documents=1)) if item.truth == "honest"]
    assert len(honest) > 30
    for item in honest:
        slip, statement = (text_of(document.data) for document in item.documents)
        assert item.application.applicant.name in slip
        assert item.application.applicant.name in statement
        assert item.application.applicant.employer in slip
        assert abs(number(slip, "Gross Earnings") * 12 - item.application.annual_income) <= 6
        assert number(slip, "Gross Earnings") - number(slip, "Total Deductions") == number(slip, "Net Pay: Rs.")


def test_inflated_claims_stand_above_the_documents():
    """An inflated income is 1.3 to 3 times what the payslip shows."""
    for item in made(shares=Shares(inflated=1, thin_file=0, broken=0)):
        shown = number(text_of(item.documents[0].data), "Gross Earnings") * 12
        assert Decimal("1.299") <= item.application.annual_income / shown <= Decimal("3.001")


def test_broken_documents_cannot_be_read():
    """A broken payslip does not open, or shows no text; all three ways to break occur."""
    ways = Counter()
    for item in made(shares=Shares(inflated=0, thin_file=0, broken=1, repeated=0)):
        try:
            ways["no text" if not text_of(item.documents[0].data).strip() else "text"] += 1
        except pypdfium2.PdfiumError as error:
            ways["locked" if "password" in str(error) else "damaged"] += 1
    assert set(ways) == {"no text", "locked", "damaged"}


def test_every_fault_is_what_it_says():
    """Each malformed record is refused for exactly the cause it names, and fits into a record."""
    records = list(islice(malformed(1, "bank-a", START), len(FAULTS)))
    assert {record.cause for record in records} <= CAUSES.keys()
    assert len({record.key for record in records}) == len(FAULTS)
    for record in records:
        assert len(record.value) <= APPLICATION_MAX_BYTES
        assert cause_of(record, "bank-a") == record.cause, record.what


def test_malformed_records_are_repeatable():
    """The same seed gives the same faults; the second round has other keys than the first."""
    twice = [list(islice(malformed(3, "bank-a", START), 2 * len(FAULTS))) for _ in range(2)]
    assert twice[0] == twice[1]
    assert len({record.key for record in twice[0]}) == 2 * len(FAULTS)
