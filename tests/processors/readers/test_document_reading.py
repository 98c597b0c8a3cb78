"""What the parsers find in documents of layouts they were not made for."""

import io

import pikepdf
import pytest

from processors.readers.found import VALUE_MAX
from processors.readers.sandbox.warm_up import SAMPLES, smallest_pdf
from processors.readers.text.reading import read_document, refusal
from schemas.values import TEXT_MAX


def fields(data: bytes, kind: str) -> dict[str, str]:
    return {field.name: field.value for field in read_document(data, kind).fields}


def test_an_indian_payslip_grid(grid_payslip: bytes) -> None:
    """A payslip in bordered cells gives holder, employer, month and figures; a year that is not printed is not made up."""
    assert fields(grid_payslip, "payslip") == {
        "holder_name": "RAJESH KUMAR SHARMA",
        "employer": "TEXELON INFOTECH PVT. LTD.",
        "period": "2026-03",
        "gross_monthly": "120000.00",
        "net_monthly": "108450.00",
    }


def test_a_plain_payslip(plain_payslip: bytes) -> None:
    """A typed payslip gives its printed yearly figure, in lakh, rather than twelve months."""
    assert fields(plain_payslip, "payslip") == {
        "holder_name": "Ananya Iyer",
        "employer": "Blue Heron Textiles",
        "period": "2026-03",
        "gross_monthly": "85000.00",
        "net_monthly": "68450.00",
        "gross_annual": "1020000.00",
    }


def test_a_statement_with_wrapped_narrations(statement: bytes) -> None:
    """Salaries are told from refunds and transfers, also where the word stands on the narration's second line."""
    found = read_document(statement, "bank_statement")
    assert {field.name: field.value for field in found.fields} == {
        "holder_name": "MR RAJESH KUMAR SHARMA",
        "period": "2026-01-01/2026-03-31",
        "opening_balance": "45000.00",
        "closing_balance": "315600.00",
        "salary_credit": "108450.00",
        "annual_net_income": "1301400.00",
    }
    assert [field.name for field in found.fields].count("salary_credit") == 3
    assert found.findings == ()
    assert all(field.confidence == 0.99 for field in found.fields)


def test_a_statement_without_headers(single_column_statement: bytes) -> None:
    """Columns without a header are found by the running balance."""
    found = read_document(single_column_statement, "bank_statement")
    assert {field.name: field.value for field in found.fields} == {
        "holder_name": "EMILY CLARKE",
        "period": "2026-01-31/2026-03-31",
        "opening_balance": "1000.00",
        "closing_balance": "8224.50",
        "salary_credit": "2500.00",
        "annual_net_income": "30000.00",
    }
    assert found.findings == ()


def test_raised_salaries_break_the_balance(forged_statement: bytes) -> None:
    """A statement whose salaries were raised without the balances does not add up, and nothing in it is sure."""
    found = read_document(forged_statement, "bank_statement")
    assert found.findings == ("arithmetic_break",)
    assert {field.confidence for field in found.fields if field.name == "annual_net_income"} == {0.6}


def test_a_raised_net_pay_does_not_add_up() -> None:
    """A payslip whose net is not gross less deductions is suspicious."""
    forged = SAMPLES["payslip"].replace(b"50,000/-", b"90,000/-")
    assert read_document(forged, "payslip").findings == ("arithmetic_break",)
    assert read_document(SAMPLES["payslip"], "payslip").findings == ()


def test_a_document_of_another_kind_gives_no_fields(statement: bytes) -> None:
    """A letter submitted as a payslip or statement is unreadable, and never an empty success."""
    letter = smallest_pdf(((40, 700, "Dear Sir, please find enclosed my best regards."),))
    assert read_document(letter, "payslip").reason == "no_known_fields"
    assert read_document(letter, "bank_statement").reason == "no_known_fields"
    assert read_document(statement, "payslip").reason == "no_known_fields"


def test_balances_that_mostly_do_not_follow_are_not_understood() -> None:
    """Rows that hardly ever add up are a layout we cannot read, not a forgery."""
    rows = [
        (x, 700 - 20 * row, text)
        for row in range(8)
        for x, text in (
            (40, f"{row + 1:02}/03/2026"),
            (110, "UPI"),
            (300, f"{row}71.00"),
            (400, f"9{row}3{row * row}.00"),
        )
    ]
    assert read_document(smallest_pdf(tuple(rows)), "bank_statement").reason == "layout_not_understood"


def test_pictures_alone_are_no_text_layer() -> None:
    """A page without text is told apart from a text that was not understood."""
    found = read_document(smallest_pdf(()), "payslip")
    assert (found.reason, found.pages) == ("no_text_layer", 1)


def test_text_that_nobody_sees_is_not_read() -> None:
    """Figures laid invisibly under a picture, as recognition or a forger does, are no text layer."""

    def with_drawing(old: bytes, new: bytes) -> bytes:
        pdf, target = pikepdf.open(io.BytesIO(SAMPLES["payslip"])), io.BytesIO()
        drawing = pdf.pages[0].obj.Contents
        drawing.write(drawing.read_bytes().replace(old, new))
        pdf.save(target)
        return target.getvalue()

    unseen = with_drawing(b"BT /F", b"BT 3 Tr /F")
    assert read_document(unseen, "payslip").reason == "no_text_layer"
    in_part = with_drawing(b"BT /F 9 Tf 40 700", b"BT 3 Tr /F 9 Tf 40 700")
    assert "net_monthly" not in fields(in_part, "payslip")
    assert fields(in_part, "payslip")["gross_monthly"] == "60000.00"


@pytest.mark.parametrize(
    ("data", "kind", "media_type", "reason"),
    [
        (b"", "payslip", "application/pdf", "empty"),
        (b"%PDF-", "tax_return", "application/pdf", "unsupported_kind"),
        (b"%PDF-", "payslip", "image/png", "media_type_differs"),
        (b"\x89PNG\r\n", "payslip", "image/png", "unsupported_media_type"),
        (b"\x89PNG\r\n", "payslip", "application/pdf", "damaged"),
        (b"%PDF-" + bytes(15_000_000), "payslip", "application/pdf", "too_large"),
        (b"\n%PDF-", "payslip", "application/pdf", None),
        (bytes(2_000) + b"%PDF-", "payslip", "application/pdf", "damaged"),
        (b"%PDF-", "payslip", "application/pdf", None),
    ],
)
def test_what_need_not_be_opened(data: bytes, kind: str, media_type: str, reason: str | None) -> None:
    """Empty, oversized, foreign or mislabelled bytes are refused before any parser sees them."""
    assert refusal(data, kind, media_type) == reason


def test_a_value_is_as_long_as_an_extraction_holds() -> None:
    """The sandbox imports no event's model, so its limit is one of its own: the same."""
    assert VALUE_MAX == TEXT_MAX
