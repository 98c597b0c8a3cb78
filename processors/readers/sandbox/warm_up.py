"""One small document per kind: read once before any child is forked, so that no child imports or initialises."""

_PAYSLIP = (
    (40, 800, "Acme Industries Pvt Ltd"),
    (40, 780, "Payslip for March 2026"),
    (40, 760, "Employee Name: Asha Rao"),
    (40, 740, "Basic"),
    (200, 740, "60,000.00"),
    (300, 740, "Tax"),
    (460, 740, "10,000.00"),
    (40, 720, "Gross Earnings"),
    (200, 720, "60,000.00"),
    (300, 720, "Total Deductions"),
    (460, 720, "10,000.00"),
    (40, 700, "Net Pay: Rs. 50,000/-"),
)
_STATEMENT = (
    (40, 800, "Account statement"),
    (40, 780, "Account Holder: Asha Rao"),
    (40, 760, "Opening Balance: 1,000.00"),
    (40, 740, "Date"),
    (110, 740, "Narration"),
    (300, 740, "Debit"),
    (380, 740, "Credit"),
    (460, 740, "Balance"),
    (40, 720, "01/03/2026"),
    (110, 720, "SALARY ACME"),
    (380, 720, "50,000.00"),
    (460, 720, "51,000.00"),
    (40, 700, "Closing Balance: 51,000.00"),
)


def smallest_pdf(texts: tuple[tuple[int, int, str], ...]) -> bytes:
    """A PDF of one page with each (x, y, text) drawn in a standard font; x and y in points from bottom left."""
    drawing = "".join(f"BT /F 9 Tf {x} {y} Td ({text}) Tj ET\n" for x, y, text in texts)
    objects = (
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        f"<</Length {len(drawing)}>>stream\n{drawing}endstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj{content}endobj\n"
    rows = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    count = len(objects) + 1
    table = f"xref\n0 {count}\n0000000000 65535 f \n{rows}"
    tail = f"trailer<</Size {count}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    return (body + table + tail).encode("ascii")


SAMPLES: dict[str, bytes] = {"payslip": smallest_pdf(_PAYSLIP), "bank_statement": smallest_pdf(_STATEMENT)}
"""Kind of document -> a document of that kind."""
