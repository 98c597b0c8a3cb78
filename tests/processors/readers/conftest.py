"""Documents drawn with fpdf2: another library, and other layouts, than the synthetic documents of `producers`."""

import sys
from pathlib import Path

import pytest
from fpdf import FPDF

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

GRID_SLIP = (
    ("Emp Name", "RAJESH KUMAR SHARMA", "Emp Code", "TX-1182"),
    ("Designation", "Senior Engineer", "Pay Period", "01/03/2026 - 31/03/2026"),
    ("PAN", "ABCDE1234F", "Days Paid", "31"),
)
GRID_PAY = (
    ("Earnings", "Amount (Rs.)", "Deductions", "Amount (Rs.)"),
    ("Basic", "60,000.00", "Provident Fund", "1,800.00"),
    ("HRA", "24,000.00", "Professional Tax", "200.00"),
    ("Special Allowance", "36,000.00", "TDS", "9,550.00"),
    ("Gross Earnings", "1,20,000.00", "Total Deductions", "11,550.00"),
)


@pytest.fixture
def grid_payslip() -> bytes:
    """An Indian payslip in bordered cells, two tables side by side; the net pay stands in a cell of its own."""
    pdf = FPDF(format="A4")
    pdf.add_page()
    pdf.set_font("Times", "B", 14)
    pdf.cell(0, 8, "TEXELON INFOTECH PVT. LTD.", align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Times", size=10)
    pdf.cell(0, 6, "Plot 14, Electronic City, Bengaluru 560100", align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.cell(0, 8, "Salary Slip for the month of March 2026", align="C", new_x="LMARGIN", new_y="NEXT")
    for row in GRID_SLIP:
        for text, width in zip(row, (35, 60, 35, 60), strict=True):
            pdf.cell(width, 7, text, border=1)
        pdf.ln()
    pdf.ln(4)
    for row in GRID_PAY:
        for text, width, align in zip(row, (55, 40, 55, 40), "LRLR", strict=True):
            pdf.cell(width, 7, text, border=1, align=align)
        pdf.ln()
    pdf.cell(95, 8, "NET PAY", border=1)
    pdf.cell(95, 8, "1,08,450.00", border=1, align="R")
    pdf.ln()
    pdf.cell(0, 8, "Rupees One Lakh Eight Thousand Four Hundred Fifty Only")
    return bytes(pdf.output())


@pytest.fixture
def plain_payslip() -> bytes:
    """A typed letter of a payslip: no table, no totals of deductions, the yearly figure in lakh."""
    pdf = FPDF(format="letter")
    pdf.add_page()
    pdf.set_font("Courier", size=11)
    for text in (
        "Blue Heron Textiles",
        "PAY SLIP - MAR 2026",
        "",
        "Name          : Ananya Iyer",
        "Employee No.  : 0042",
        "Gross Salary  : Rs. 85,000/-",
        "Provident Fund: Rs. 1,800/-",
        "Income Tax    : Rs. 14,750/-",
        "Net Salary    : Rs. 68,450/-",
        "CTC           : Rs. 10.20 LPA",
    ):
        pdf.cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


STATEMENT_ROWS = (
    ("05-01-26", "POS 4029 BIG BAZAAR MUMBAI", "3,250.00", "", "41,750.00"),
    ("31-01-26", "NEFT CR-HDFC0000123-TEXELON INFOTECH-\nSALARY JAN", "", "1,08,450.00", "1,50,200.00"),
    ("02-02-26", "ACH D- HOME LOAN EMI", "32,000.00", "", "1,18,200.00"),
    ("14-02-26", "UPI/604512/REFUND SALARY ADVANCE", "", "500.00", "1,18,700.00"),
    ("28-02-26", "NEFT CR-HDFC0000123-TEXELON INFOTECH-\nSALARY FEB", "", "1,08,450.00", "2,27,150.00"),
    ("11-03-26", "ATM WDL 0093", "20,000.00", "", "2,07,150.00"),
    ("31-03-26", "NEFT CR-HDFC0000123-TEXELON INFOTECH-\nSALARY MAR", "", "1,08,450.00", "3,15,600.00"),
)


@pytest.fixture
def statement() -> bytes:
    """A statement with withdrawal and deposit columns, wrapped narrations and two-digit years."""
    return draw_statement(STATEMENT_ROWS)


@pytest.fixture
def forged_statement() -> bytes:
    """The same statement after somebody raised the three salaries and left the balances."""
    return draw_statement(tuple(tuple(text.replace("1,08,450", "1,58,450") for text in row) for row in STATEMENT_ROWS))


def draw_statement(rows: tuple[tuple[str, ...], ...]) -> bytes:
    pdf = FPDF(format="A4")
    pdf.add_page()
    pdf.set_font("Helvetica", "B", 12)
    pdf.cell(0, 8, "KAVERI BANK LIMITED", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", size=9)
    for text in (
        "Account Name : MR RAJESH KUMAR SHARMA",
        "Account No : 50100012345678",
        "Statement of account for the period : 01/01/2026 to 31/03/2026",
        "Opening Balance : 45,000.00 Cr",
    ):
        pdf.cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")
    widths, aligns = (22, 78, 30, 30, 30), "LLRRR"
    for text, width in zip(
        ("Txn Date", "Particulars", "Withdrawal (Dr)", "Deposit (Cr)", "Balance"), widths, strict=True
    ):
        pdf.cell(width, 7, text, border=1)  # headers on the left, amounts on the right
    pdf.ln()
    for row in rows:
        top = pdf.get_y()
        for text, width, align in zip(row, widths, aligns, strict=True):
            left = pdf.get_x()
            pdf.multi_cell(width, 5, text, align=align, new_x="RIGHT", new_y="TOP")
            pdf.set_xy(left + width, top)
        pdf.set_xy(pdf.l_margin, top + 5 * (1 + row[1].count("\n")))
    pdf.ln(4)
    pdf.cell(0, 6, "Closing Balance : 3,15,600.00 Cr")
    return bytes(pdf.output())


@pytest.fixture
def single_column_statement() -> bytes:
    """A statement with one amount column marked Dr or Cr, and no header that says so."""
    pdf = FPDF(format="A4")
    pdf.add_page()
    pdf.set_font("Helvetica", size=9)
    for text in ("Statement of account", "Customer Name: EMILY CLARKE", "Opening Balance: 1,000.00"):
        pdf.cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")
    for day, text, amount, side, balance in (
        ("31 Jan 2026", "GLOBEX PAYROLL", "2,500.00", "Cr", "3,500.00"),
        ("03 Feb 2026", "COUNCIL TAX", "180.00", "Dr", "3,320.00"),
        ("28 Feb 2026", "GLOBEX PAYROLL", "2,500.00", "Cr", "5,820.00"),
        ("09 Mar 2026", "TRAVEL CARD", "95.50", "Dr", "5,724.50"),
        ("31 Mar 2026", "GLOBEX PAYROLL", "2,500.00", "Cr", "8,224.50"),
    ):
        pdf.cell(28, 6, day)
        pdf.cell(80, 6, text)
        pdf.cell(30, 6, f"{amount} {side}", align="R")
        pdf.cell(30, 6, balance, align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.cell(0, 6, "Closing Balance: 8,224.50")
    return bytes(pdf.output())
