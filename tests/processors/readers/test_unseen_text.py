"""Text that nobody sees on the page: it is not read, and an amount or a name in it makes the document suspicious."""

import random
from collections.abc import Callable, Iterator

import pikepdf
import pypdfium2 as pdfium
import pytest
from pdf_drawing import HONEST, Drawing, Slip, fonts, payslip_page, shown, width_of

from processors.readers.found import Found
from processors.readers.text.reading import read_document
from processors.readers.text.text_layer import text_layer_of

FORGED = ("Gross Earnings 9,00,000.00", "Total Deductions 7,000.00", "Net Pay 8,93,000.00")
BOX = "320 780 260 45 re"
"""Over all of the forged lines, and over nothing else."""


def forged(x: float = 330, top: float = 810, size: float = 9, mode: int = 0) -> str:
    """Lines that would be read before the honest ones, being further up."""
    return " ".join(shown(x, top - 10 * row, text, size, mode=mode) for row, text in enumerate(FORGED))


def with_forged(*operators: str, first: bool = False) -> Drawing:
    """The honest page with operators that paint forged text under or over everything else."""
    page = payslip_page(HONEST)
    page.strokes.insert(0 if first else len(page.strokes), f"q {' '.join(operators)} Q")
    return page


def transparent() -> Drawing:
    page = with_forged("/A gs", forged())
    page.state("A", ca=0, CA=0)
    return page


def nearly_transparent() -> Drawing:
    page = with_forged("/A gs", forged())
    page.state("A", ca=0.06)
    return page


def masked_out() -> Drawing:
    page = with_forged("/M gs", forged())
    group = page.pdf.make_stream(b"0 g 0 0 595 842 re f")
    group.Type, group.Subtype, group.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, [0, 0, 595, 842]
    group.Group = pikepdf.Dictionary(S=pikepdf.Name.Transparency, CS=pikepdf.Name.DeviceGray)
    page.state("M", SMask=pikepdf.Dictionary(S=pikepdf.Name.Luminosity, G=page.pdf.make_indirect(group)))
    return page


def covered_by_a_picture(cover: str = "260 0 0 45 320 780 cm") -> Drawing:
    page = with_forged(forged(), f"q {cover} /I Do Q", first=True)
    page.image("I", b"\xff" * 100, 10, 10)
    return page


def nearly_covered() -> Drawing:
    page = with_forged(forged(), f"/A gs 1 g {BOX} f", first=True)
    page.state("A", ca=0.96)
    return page


def amounts_nearly_covered() -> Drawing:
    page = with_forged(forged(), "/A gs 1 g 396 780 184 45 re f", "362 780 40 12 re f", first=True)
    page.state("A", ca=0.95)
    return page


def switched_off(*, by_form: bool) -> Drawing:
    page = payslip_page(HONEST)
    layer = page.pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name="layer"))
    page.pdf.Root.OCProperties = pikepdf.Dictionary(OCGs=[layer], D=pikepdf.Dictionary(OFF=[layer], Order=[]))
    if by_form:
        page.form("X", forged(), OC=layer)
        page.do("/X Do")
    else:
        page.resources["Properties"] = pikepdf.Dictionary({"/L": layer})
        page.do("/OC /L BDC", forged(), "EMC")
    return page


def in_a_form(content: str, **entries: object) -> Drawing:
    page = payslip_page(HONEST)
    page.form("X", content, **entries)
    page.do("/X Do")
    return page


def outside_the_crop_box() -> Drawing:
    page = with_forged(forged(top=835))
    page.page["CropBox"] = [0, 0, 595, 812]
    return page


def under_an_annotation(*, field: bool) -> Drawing:
    page = with_forged(forged())
    look = page.pdf.make_stream(b"1 g 0 0 260 45 re f")
    look.Type, look.Subtype, look.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, [0, 0, 260, 45]
    entries = {"Rect": [320, 780, 580, 825], "F": 4, "AP": pikepdf.Dictionary(N=page.pdf.make_indirect(look))}
    kind = {"FT": pikepdf.Name.Tx, "T": "field"} if field else {}
    name = pikepdf.Name.Widget if field else pikepdf.Name.Square
    one = page.pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=name, **entries, **kind))
    page.page["Annots"] = page.pdf.make_indirect(pikepdf.Array([one]))
    if field:
        page.pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[one])
    return page


def amounts_at(colour: str, *texts: tuple[str, float]) -> str:
    """Amounts that end where the honest ones end."""
    return f"q {colour} {' '.join(shown(275 - width_of(text, 9), y, text) for text, y in texts)} Q"


UNDER = (("9,00,000.00", 670), ("8,93,000.00", 625))
"""In the places of the honest gross and net."""


def under_the_honest_amounts() -> Drawing:
    page = payslip_page(HONEST)
    page.strokes.insert(0, amounts_at("1 g", *UNDER))
    return page


def painted_away_and_printed_over() -> Drawing:
    page = payslip_page(HONEST)
    page.strokes.insert(0, f"{amounts_at('0 g', *UNDER)} q 1 g 200 620 80 60 re f Q")
    return page


def a_digit_painted_away() -> Drawing:
    page = payslip_page(HONEST)
    page.strokes = [stroke for stroke in page.strokes if "1,00,000.00" not in stroke]
    left = 275 - width_of("91,00,000.00", 9)
    page.do(shown(left, 670, "91,00,000.00"), f"q 1 g {left - 1:.2f} 668 {width_of('9', 9) + 1:.2f} 10 re f Q")
    return page


def said_to_a_screen_reader(property_list: bool) -> Drawing:
    page = payslip_page(HONEST)
    page.resources["Properties"] = pikepdf.Dictionary({"/P": pikepdf.Dictionary(ActualText="9,00,000.00")})
    says = "/Span /P BDC" if property_list else "/Span <</ActualText (9,00,000.00)>> BDC"
    page.strokes = [f"{says} {one} EMC" if "1,00,000.00" in one else one for one in page.strokes]
    return page


RULES = "0 G 0.5 w " + " ".join(
    f"320 {top - 10 * row} m 500 {top - 10 * row} l S" for row in range(3) for top in (812, 814)
)

UNSEEN: dict[str, Callable[[], Drawing]] = {
    "white": lambda: with_forged("1 g", forged(), first=True),
    "white, painted last": lambda: with_forged("1 1 1 rg", forged()),
    "white by its inks": lambda: with_forged("0 0 0 0 k", forged()),
    "nearly white": lambda: with_forged("0.97 0.98 0.96 rg", forged()),
    "pale": lambda: with_forged("0.9 g", forged()),
    "pale yellow": lambda: with_forged("1 1 0.7 rg", forged()),
    "white in a form": lambda: in_a_form(f"1 g {forged()}"),
    "black on black": lambda: with_forged(f"0 g {BOX} f", forged()),
    "blue on blue": lambda: with_forged(f"0.1 0.1 0.4 rg {BOX} f 0.14 0.1 0.44 rg", forged()),
    "grey on grey": lambda: with_forged(f"0.5 g {BOX} f 0.55 g", forged()),
    "white outlines": lambda: with_forged("1 G", forged(mode=1)),
    "white over rules": lambda: with_forged(f"{RULES} 1 g", forged()),
    "transparent": transparent,
    "nearly transparent": nearly_transparent,
    "masked out": masked_out,
    "neither filled nor outlined": lambda: with_forged(forged(mode=3)),
    "for clipping alone": lambda: with_forged(forged(mode=7)),
    "of one point": lambda: with_forged(forged(size=1)),
    "of two points and a half": lambda: with_forged(forged(size=2.5)),
    "tiny by a matrix": lambda: with_forged("0.1 0 0 0.1 300 730 cm", forged()),
    "without width": lambda: with_forged("0.01 0 0 1 400 0 cm", forged()),
    "a tenth as wide": lambda: with_forged("0.1 0 0 1 400 0 cm", forged()),
    "mirrored": lambda: with_forged("-1 0 0 1 900 0 cm", forged()),
    "upside down in a mirror": lambda: with_forged("1 0 0 -1 0 1600 cm", forged()),
    "clipped by a path": lambda: with_forged("0 0 5 5 re W n", forged()),
    "clipped by a text": lambda: with_forged(shown(20, 20, "x", mode=7), forged()),
    "clipped by a form's box": lambda: in_a_form(forged(), BBox=[0, 0, 10, 10]),
    "covered by white": lambda: with_forged(forged(), f"1 g {BOX} f", first=True),
    "covered by black": lambda: with_forged(forged(), f"0 g {BOX} f", first=True),
    "nearly covered": nearly_covered,
    "nearly covered beside its label": amounts_nearly_covered,
    "half covered": lambda: with_forged(
        forged(), "1 g", *(f"320 {top - 2} 260 6.7 re f" for top in (810, 800, 790)), first=True
    ),
    "covered by a picture": covered_by_a_picture,
    "under a page-wide picture": lambda: covered_by_a_picture("595 0 0 842 0 0 cm"),
    "under an annotation": lambda: under_an_annotation(field=False),
    "under a form's field": lambda: under_an_annotation(field=True),
    "in a layer that is off": lambda: switched_off(by_form=False),
    "in a form whose layer is off": lambda: switched_off(by_form=True),
    "beside the page": lambda: with_forged(forged(x=700)),
    "above the page": lambda: with_forged(forged(top=900)),
    "outside the crop box": outside_the_crop_box,
    "under the honest amounts": under_the_honest_amounts,
    "painted away and printed over": painted_away_and_printed_over,
    "said to a screen reader": lambda: said_to_a_screen_reader(property_list=False),
    "said to a screen reader by name": lambda: said_to_a_screen_reader(property_list=True),
}


def values(found: Found) -> dict[str, str]:
    return {field.name: field.value for field in found.fields}


READ = {
    "holder_name": "Asha Rao",
    "employer": "Malabar Looms Pvt Ltd",
    "period": "2026-03",
    "gross_monthly": "100000.00",
    "net_monthly": "93000.00",
}


@pytest.mark.parametrize("how", UNSEEN)
def test_a_forged_income_that_nobody_sees_is_not_read(how: str) -> None:
    """However 9,00,000 is hidden on a payslip that shows 1,00,000: the shown amount is read, and a person looks at it."""
    found = read_document(UNSEEN[how]().finished(), "payslip")
    assert values(found) == READ
    assert found.findings == ("hidden_text",)


def test_an_amount_printed_over_another_one_is_not_read() -> None:
    """Where two different amounts are printed over one another, nobody can say which counts."""
    page = payslip_page(HONEST)
    page.do(amounts_at("0 g", *UNDER))
    found = read_document(page.finished(), "payslip")
    assert "gross_monthly" not in values(found)
    assert found.findings == ("hidden_text",)


def test_what_is_left_of_an_amount_is_not_read() -> None:
    """An amount that is painted over in part is not read as its rest, by whomever it was painted over."""
    found = read_document(a_digit_painted_away().finished(), "payslip")
    assert "gross_monthly" not in values(found)
    opaque = read_document(with_forged("0.85 g", WATERMARK).finished(), "payslip")
    assert values(opaque).get("gross_monthly") in (None, "100000.00")
    assert values(opaque).get("net_monthly") in (None, "93000.00")


@pytest.mark.parametrize(
    "hidden",
    [
        "Employee Name: Ravi Kapoor",
        "Name of Employee: Ravi Kapoor",
        "Company: Cauvery Steel Pvt Ltd",
        "Gross Earnings 900000",
        "Rs 9 lakh",
    ],
)
def test_a_name_or_an_amount_that_nobody_sees_is_a_sign_of_tampering(hidden: str) -> None:
    """A labelled name or an amount in white makes a payslip suspicious, and changes nothing that is read of it."""
    page = payslip_page(HONEST)
    page.strokes.insert(0, f"q 1 g {shown(300, 815, hidden)} Q")
    found = read_document(page.finished(), "payslip")
    assert values(found) == READ
    assert found.findings == ("hidden_text",)


@pytest.mark.parametrize(
    "hidden", ["sn1 Signature1 8A3B-22CD", "Template 12 of 2026", "123456789", "Malabar Looms", "Asha Rao"]
)
def test_other_text_that_nobody_sees_is_nobodys_harm(hidden: str) -> None:
    """Marks for a signature, a template's name, identifiers and the words of a logo are no sign of tampering."""
    found = read_document(with_forged("1 g", shown(300, 100, hidden)).finished(), "payslip")
    assert values(found) == READ
    assert found.findings == ()


def tinted(paint: str, ink: str) -> Drawing:
    page = payslip_page(HONEST, ink=ink)
    page.strokes.insert(3, f"q {paint} 30 600 460 130 re f Q")
    return page


def over_a_picture(darkest: int, lightest: int, ink: str) -> Drawing:
    page = payslip_page(HONEST, ink=ink)
    chance = random.Random(darkest)
    page.image("I", bytes(chance.randrange(darkest, lightest) for _ in range(64 * 64)), 64, 64)
    page.strokes.insert(3, "q 460 0 0 130 30 600 cm /I Do Q")
    return page


def printed_again(right: float, down: float, colour: str, *, under: bool) -> Drawing:
    page = payslip_page(HONEST)
    again = [
        f"q {colour} {shown(40 + right, 715 - 15 * row - down, label)} "
        f"{shown(275 - width_of(amounts[0], 9) + right, 715 - 15 * row - down, amounts[0])} Q"
        for row, (label, amounts) in enumerate(HONEST.lines)
    ]
    page.strokes[3 if under else len(page.strokes) :] = [*again, *(page.strokes[3:] if under else ())]
    return page


def with_strokes(change: Callable[[str], str], **entries: object) -> Drawing:
    page = payslip_page(HONEST)
    page.strokes = [change(stroke) for stroke in page.strokes]
    page.page |= entries
    return page


def under_a_matrix(matrix: str, **entries: object) -> Drawing:
    page = with_strokes(str, **entries)
    page.strokes.insert(0, f"{matrix} cm")
    return page


def letter_by_letter() -> Drawing:
    page = payslip_page(HONEST)
    page.strokes = [stroke for stroke in page.strokes if "1,00,000.00" not in stroke]
    left = 275 - width_of("1,00,000.00", 9)
    for char in "1,00,000.00":
        page.text(left, 670, char)
        left += width_of(char, 9)
    return page


def marked_by_a_pen() -> Drawing:
    page = payslip_page(HONEST)
    look = page.pdf.make_stream(b"/A gs 1 1 0 rg 0 0 260 15 re f")
    look.Type, look.Subtype, look.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, [0, 0, 260, 15]
    multiplied = pikepdf.Dictionary(BM=pikepdf.Name.Multiply)
    look.Resources = pikepdf.Dictionary(ExtGState=pikepdf.Dictionary({"/A": multiplied}))
    mark = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Highlight,
        Rect=[30, 667, 290, 682],
        QuadPoints=[30, 682, 290, 682, 30, 667, 290, 667],
        C=[1, 1, 0],
        F=4,
        AP=pikepdf.Dictionary(N=page.pdf.make_indirect(look)),
    )
    page.page["Annots"] = page.pdf.make_indirect(pikepdf.Array([page.pdf.make_indirect(mark)]))
    return page


def half_transparent() -> Drawing:
    page = payslip_page(HONEST)
    page.state("A", ca=0.6)
    page.strokes.insert(0, "/A gs")
    return page


def under_a_watermark() -> Drawing:
    page = with_forged("/A gs 0.6 g", WATERMARK)
    page.state("A", ca=0.3)
    return page


def in_one_form(times: int) -> Drawing:
    page, drawn = Drawing(), payslip_page(HONEST)
    page.form("X", "\n".join(drawn.strokes))
    page.do("/X Do " * times)
    return page


def spelt_out() -> Drawing:
    return with_strokes(
        lambda one: f"/Span <</ActualText (1,00,000.00)>> BDC {one} EMC" if "1,00,000.00" in one else one
    )


WATERMARK = "BT /B 90 Tf 0.7 0.7 -0.7 0.7 80 500 Tm (CONFIDENTIAL) Tj ET"

SEEN: dict[str, Callable[[], Drawing]] = {
    "black on white": lambda: payslip_page(HONEST),
    "white on a dark bar": lambda: tinted("0.1 0.2 0.4 rg", "1 g"),
    "white on a middling bar": lambda: tinted("0.3 0.65 0.6 rg", "1 g"),
    "black on grey": lambda: tinted("0.5 g", ""),
    "blue on a tinted row": lambda: tinted("0.85 0.9 1 rg", "0.2 0.3 0.6 rg"),
    "grey": lambda: payslip_page(HONEST, ink="0.65 g"),
    "red": lambda: payslip_page(HONEST, ink="1 0 0 rg"),
    "half transparent": half_transparent,
    "over a light picture": lambda: over_a_picture(150, 255, ""),
    "white over a dark picture": lambda: over_a_picture(0, 120, "1 g"),
    "over a watermark": lambda: with_forged("0.85 g", WATERMARK, first=True),
    "under a watermark that lets it through": under_a_watermark,
    "over a word across the page": lambda: with_forged("0.88 g", shown(40, 620, "PAID", 120, bold=True), first=True),
    "struck through and underlined": lambda: with_forged(
        "0.5 w", *(f"40 {715 - 15 * row + by} m 280 {715 - 15 * row + by} l S" for row in range(7) for by in (3, -1))
    ),
    "marked by a pen": marked_by_a_pen,
    "each letter printed twice": lambda: with_strokes(lambda one: f"{one} {one}"),
    "crossed by a small stamp": lambda: with_forged(
        "0.6 g",
        *(f"BT /B 9 Tf 0.7 0.7 -0.7 0.7 {left} 605 Tm (ORIGINAL COPY OF OUR OFFICE) Tj ET" for left in (30, 200)),
    ),
    "printed twice": lambda: printed_again(0, 0, "0 g", under=False),
    "printed twice for boldness": lambda: printed_again(0.3, 0, "0 g", under=False),
    "printed twice, further apart": lambda: printed_again(0.7, 0, "0 g", under=False),
    "with a shadow": lambda: printed_again(0.8, 0.8, "0.7 g", under=True),
    "raised": lambda: printed_again(0.6, 0.6, "1 g", under=True),
    "with a halo": lambda: printed_again(0, 0, "1 g", under=True),
    "filled and outlined": lambda: with_strokes(lambda one: one.replace(" 0 Tr", " 2 Tr")),
    "outlined": lambda: with_strokes(lambda one: one.replace(" 0 Tr", " 0.3 w 1 Tr")),
    "kerned": lambda: with_strokes(lambda one: one.replace("(1,00,000.00) Tj", "[(1)30(,)-20(00)10(,000.00)] TJ")),
    "letter by letter": letter_by_letter,
    "spelt out for a screen reader": spelt_out,
    "in a form": lambda: in_one_form(1),
    "in a form that is painted twice": lambda: in_one_form(2),
    "on a page that does not begin at nought": lambda: under_a_matrix("1 0 0 1 100 50", MediaBox=[100, 50, 695, 892]),
    "cropped": lambda: with_strokes(str, CropBox=[20, 400, 500, 830]),
    "in millimetres": lambda: under_a_matrix("0.3528 0 0 0.3528 0 0", MediaBox=[0, 0, 210, 297]),
    "in quarters of a point": lambda: under_a_matrix("0.25 0 0 0.25 0 0", MediaBox=[0, 0, 149, 211]),
    "on a wall": lambda: under_a_matrix("2.8 0 0 2.8 0 0", MediaBox=[0, 0, 2380, 2390]),
}


@pytest.mark.parametrize("how", SEEN)
def test_what_a_person_sees_is_read(how: str) -> None:
    """Honest payslips, of whatever colour, ground, size or make, are read and never called suspicious."""
    found = read_document(SEEN[how]().finished(), "payslip")
    assert values(found) == READ
    assert found.findings == ()


TURNS = {90: "0 1 -1 0 842 0", 180: "-1 0 0 -1 595 842", 270: "0 -1 1 0 0 595"}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("how", ["upright by the page's turn", "drawn sideways", "turned away"])
def test_a_page_is_read_however_it_is_turned(turn: int, how: str) -> None:
    """A page that viewers turn upright is read, and so is one that a person would turn."""
    size = [0, 0, 595, 842] if turn == 180 or how == "turned away" else [0, 0, 842, 595]
    rotate = {} if how == "drawn sideways" else {"Rotate": turn}
    matrix = "1 0 0 1 0 0" if how == "turned away" else TURNS[turn]
    found = read_document(under_a_matrix(matrix, MediaBox=size, **rotate).finished(), "payslip")
    assert values(found) == READ
    assert found.findings == ()


@pytest.mark.parametrize("turn", TURNS)
def test_hidden_text_is_found_on_a_turned_page(turn: int) -> None:
    """Turning the page hides nothing from the reader."""
    page = with_forged("1 g", forged(), first=True)
    page.strokes.insert(0, f"{TURNS[turn]} cm")
    page.page |= {"MediaBox": [0, 0, 595, 842] if turn == 180 else [0, 0, 842, 595], "Rotate": turn}
    found = read_document(page.finished(), "payslip")
    assert values(found) == READ
    assert found.findings == ("hidden_text",)


def scanned(*, mode: int = 3, under: bool = False, noise: int = 0, aside: float = 0, stamp: bool = False) -> bytes:
    """A picture of the honest payslip, with recognised words that say something else."""
    with pdfium.PdfDocument(payslip_page(HONEST).finished()) as honest:
        picture = honest[0].render(scale=2, grayscale=True).to_pil()
    chance = random.Random(7)
    levels = picture.tobytes()
    levels = bytes(max(0, level - chance.randrange(noise)) for level in levels) if noise else levels
    page = Drawing()
    page.image("I", levels, picture.width, picture.height)
    words = payslip_page(
        Slip(tuple((one, [text.replace("1,00", "9,00") for text in two]) for one, two in HONEST.lines))
    )
    layer = " ".join(stroke.replace(" 0 Tr", f" {mode} Tr") for stroke in words.strokes)
    parts = [f"q 1 0 0 1 {aside} 0 cm {layer} Q", "q 595 0 0 842 0 0 cm /I Do Q"]
    page.do(*(parts if under else parts[::-1]))
    if stamp:
        page.text(200, 30, "Page 1 of 1")
    return page.finished()


@pytest.mark.parametrize(
    "scan",
    [{}, {"mode": 0, "under": True}, {"noise": 40}, {"aside": 3.0}, {"stamp": True, "aside": -4.0, "noise": 30}],
    ids=str,
)
def test_a_scan_is_a_picture_whatever_its_recognised_words_say(scan: dict[str, object]) -> None:
    """Words that recognition laid over a scan are no sign of tampering, and are not believed either."""
    found = read_document(scanned(**scan), "payslip")
    assert (found.reason, found.findings) == ("no_text_layer", ())


@pytest.mark.parametrize("ground", [b"\xff" * 100, None])
def test_words_over_an_empty_page_are_no_scan(ground: bytes | None) -> None:
    """Invisible amounts where no picture shows them make even an unreadable document suspicious."""
    page = Drawing()
    if ground:
        page.image("I", ground, 10, 10)
        page.do("q 595 0 0 842 0 0 cm /I Do Q")
    page.do(*(stroke.replace(" 0 Tr", " 3 Tr") for stroke in payslip_page(HONEST).strokes))
    found = read_document(page.finished(), "payslip")
    assert (found.reason, found.findings) == ("no_text_layer", ("hidden_text",))


def test_a_script_that_cannot_be_painted_here_is_not_hidden() -> None:
    """A name in a font that the file does not bring is not read; nobody hid it."""
    page = with_strokes(lambda one: one.replace(" Asha Rao", ""))
    described = pikepdf.Dictionary(
        Type=pikepdf.Name.FontDescriptor, FontName=pikepdf.Name("/HeiseiMin-W3"), Flags=4, Ascent=800, Descent=-200
    )
    drawn = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.CIDFontType0,
        BaseFont=pikepdf.Name("/HeiseiMin-W3"),
        CIDSystemInfo=pikepdf.Dictionary(Registry="Adobe", Ordering="Japan1", Supplement=2),
        FontDescriptor=page.pdf.make_indirect(described),
        DW=1000,
    )
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.Type0,
        BaseFont=pikepdf.Name("/HeiseiMin-W3-UniJIS-UCS2-H"),
        Encoding=pikepdf.Name("/UniJIS-UCS2-H"),
        DescendantFonts=[page.pdf.make_indirect(drawn)],
    )
    page.resources["Font"] = pikepdf.Dictionary({**fonts(), "/J": font})
    page.do(f"BT /J 9 Tf 1 0 0 1 120 750 Tm <{'山田太郎'.encode('utf-16-be').hex()}> Tj ET")
    data = page.finished()
    with pdfium.PdfDocument(data) as document:
        assert "山田太郎" in document[0].get_textpage().get_text_bounded()
    found = read_document(data, "payslip")
    assert values(found) == {name: value for name, value in READ.items() if name != "holder_name"}
    assert found.findings == ()


def test_rows_that_nobody_sees_are_no_income() -> None:
    """Salaries in white between a statement's rows are not paid in, and make it suspicious."""
    page = Drawing()
    for y, texts in (
        (800, ("Account Holder: Asha Rao", "", "", "")),
        (780, ("Opening Balance: 1,000.00", "", "", "")),
        (740, ("01/01/2026", "CASH", "500.00", "1,500.00")),
        (720, ("02/01/2026", "CASH", "500.00", "2,000.00")),
        (700, ("03/01/2026", "CASH", "500.00", "2,500.00")),
    ):
        for x, text in zip((40, 110, 330, 430), texts, strict=True):
            page.text(x, y, text or " ")
    page.text(110, 760, "Narration")
    page.text(330, 760, "Credit")
    page.text(430, 760, "Balance")
    page.do("1 g", *(shown(40 + 70 * n, 690, text) for n, text in enumerate(("04/01/2026", "SALARY", "9,00,000.00"))))
    found = read_document(page.finished(), "bank_statement")
    assert "salary_credit" not in values(found)
    assert values(found)["closing_balance"] == "2500.00"
    assert found.findings == ("hidden_text",)


def pages_of(data: bytes) -> Iterator[str]:
    with pdfium.PdfDocument(data) as document:
        for line in text_layer_of(document).seen:
            yield line.text


def test_a_letter_is_seen_by_its_own_ink_alone() -> None:
    """White text close under, over and beside black text is not taken for seen because of its neighbours."""
    page = payslip_page(HONEST)
    for down in (-4, -2, 2, 4, 7):
        page.strokes.insert(0, f"q 1 g {shown(100 + down, 670 - down, '9,00,000.00 9,00,000.00 9,00,000.00')} Q")
    data = page.finished()
    assert not any("9,00" in text for text in pages_of(data))
    assert values(read_document(data, "payslip")) == READ
