import pytest

from processors.readers.found import FIELD_NAMES
from processors.readers.reasons import FINDINGS
from processors.readers.reasons import REASONS as READER_REASONS
from schemas.reasons import BASIS, REASONS
from schemas.topics import TOPICS
from scoring import checks
from scoring.features import FEATURES
from scoring.readings import PAY


@pytest.mark.parametrize("code", sorted({*READER_REASONS, *FINDINGS}))
def test_what_a_reader_reports_can_be_said_in_a_decision(code):
    """Every reason and finding of the document reader has its sentence in the registry of reason codes."""
    assert code in REASONS


def test_every_feature_has_a_reason_code():
    """No factor can move a score without a code that names it."""
    assert {feature.reason for feature in FEATURES.values()} <= set(REASONS)


def test_checks_ask_for_fields_that_readers_give():
    """A check on a field that no reader gives would never compare anything, and nobody would notice."""
    asked = {*(row.field for row in (*checks.INCOME_CHECKS, *checks.TEXT_CHECKS)), *PAY.values()}
    assert asked <= set(FIELD_NAMES)


@pytest.fixture
def examples():
    """What the stages make of the shipped example; they come with Kafka's client, which nothing else here needs."""
    from loanstream.generate import examples

    return examples


def test_the_examples_documents_answer_every_claim(examples):
    """Payslip and statement of the example both speak to the income, and the pay is found on the statement."""
    event = examples.verified()
    answered = {(check["claim"], check["document"]) for check in event["checks"]}
    documents = {extraction["sha256"] for extraction in event["extractions"]}
    assert {document for claim, document in answered if claim == "annual_income"} == documents
    assert {claim for claim, _ in answered} == {"annual_income", "net_pay", "name", "employer", "currency"}


def test_what_protects_people_leaves_the_flow_at_once(examples):
    """No event after the submitted one holds the monitoring block."""
    assert "monitoring" not in examples.accepted()["application"]
    assert "monitoring" not in examples.verified()["application"]


def test_a_code_speaks_once():
    """A basis code and a reason code of the same name mean the same thing, as a rule of a policy or a check."""
    assert {REASONS[code].source for code in set(BASIS) & set(REASONS)} <= {"rule", "check"}


def test_what_was_done_with_a_letter_is_known_as_long_as_the_letter():
    """Were it forgotten earlier, a letter that was sent back or discarded would seem to wait."""
    letters = [topic.retention_ms for topic in TOPICS.values() if topic.is_dlq]
    assert TOPICS["letters_handled"].retention_ms >= 2 * max(letters)


def test_what_a_bank_was_told_is_known_as_long_as_the_letter():
    """Were it forgotten earlier, a bank would seem not to have been told; and its topic is made before its input."""
    letters = [topic.retention_ms for topic in TOPICS.values() if topic.is_dlq]
    assert TOPICS["rejections"].retention_ms >= 2 * max(letters)
    assert list(TOPICS).index("rejections") < list(TOPICS).index("applications")
