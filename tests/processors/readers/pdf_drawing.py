"""Pages drawn stroke by stroke for tests: what a PDF holds here is decided operator by operator."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import pikepdf

LEFT = 40
Stroke = str


@dataclass
class Drawing:
    """One page: operators in painting order, and what its resources and its dictionary hold besides fonts."""

    strokes: list[Stroke] = field(default_factory=list)
    resources: dict[str, object] = field(default_factory=dict)
    page: dict[str, object] = field(default_factory=dict)
    pdf: pikepdf.Pdf = field(default_factory=pikepdf.new)

    def text(self, x: float, y: float, text: str, *, size: float = 9, bold: bool = False, colour: str = "") -> None:
        """Text that starts at `x`, `y` points from the page's bottom; `colour` as operators."""
        self.strokes.append(f"q {colour} {shown(x, y, text, size, bold=bold)} Q")

    def right(self, x: float, y: float, text: str, *, size: float = 9, bold: bool = False, colour: str = "") -> None:
        """Text that ends at about `x`."""
        self.text(x - width_of(text, size), y, text, size=size, bold=bold, colour=colour)

    def do(self, *operators: str) -> None:
        """Any operators."""
        self.strokes.append(" ".join(operators))

    def form(self, name: str, content: str, **entries: object) -> None:
        """A form that `/name Do` paints."""
        form = self.pdf.make_stream(content.encode("latin-1"))
        form.Type, form.Subtype, form.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, [0, 0, 842, 842]
        form.Resources = pikepdf.Dictionary(Font=fonts())
        for key, value in entries.items():
            form[f"/{key}"] = value
        self.resources.setdefault("XObject", pikepdf.Dictionary())[f"/{name}"] = form

    def image(self, name: str, levels: bytes, width: int, height: int, colours: str = "DeviceGray") -> None:
        """A picture that `/name Do` paints over the unit square."""
        image = self.pdf.make_stream(levels)
        image.Type, image.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        image.Width, image.Height, image.BitsPerComponent = width, height, 8
        image.ColorSpace = pikepdf.Name(f"/{colours}")
        self.resources.setdefault("XObject", pikepdf.Dictionary())[f"/{name}"] = image

    def state(self, name: str, **entries: object) -> None:
        """A graphics state that `/name gs` sets."""
        states = self.resources.setdefault("ExtGState", pikepdf.Dictionary())
        states[f"/{name}"] = pikepdf.Dictionary(**entries)

    def finished(self, size: tuple[float, float] = (595, 842)) -> bytes:
        """The PDF of this page alone."""
        return bound([self], size)


def fonts() -> pikepdf.Dictionary:
    """`/F` is Helvetica, `/B` is its bold."""
    return pikepdf.Dictionary(
        {
            f"/{name}": pikepdf.Dictionary(
                Type=pikepdf.Name.Font,
                Subtype=pikepdf.Name.Type1,
                BaseFont=pikepdf.Name(f"/{base}"),
                Encoding=pikepdf.Name.WinAnsiEncoding,
            )
            for name, base in (("F", "Helvetica"), ("B", "Helvetica-Bold"))
        }
    )


def shown(x: float, y: float, text: str, size: float = 9, *, bold: bool = False, mode: int = 0) -> str:
    """The operators that show `text`."""
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{'B' if bold else 'F'} {size} Tf {mode} Tr 1 0 0 1 {x:.2f} {y:.2f} Tm ({escaped}) Tj ET"


def width_of(text: str, size: float) -> float:
    """About as wide as Helvetica shows it: exact for amounts."""
    return size * sum(0.278 if char in ",. :/-()" else 0.556 for char in text)


def bound(pages: Sequence[Drawing], size: tuple[float, float] = (595, 842)) -> bytes:
    """The PDF of several pages, which were drawn for the first one's file."""
    pdf = pages[0].pdf
    for drawing in pages:
        page = pdf.add_blank_page(page_size=size)
        page.obj.Contents = pdf.make_stream("\n".join(drawing.strokes).encode("latin-1"))
        page.obj.Resources = pikepdf.Dictionary(**{"Font": fonts(), **drawing.resources})
        for key, value in drawing.page.items():
            page.obj[f"/{key}"] = value
    target = io.BytesIO()
    pdf.save(target)
    return target.getvalue()


@dataclass(frozen=True)
class Slip:
    """Lines of a payslip as (label, amounts); each amount's right edge is one of `edges`."""

    lines: Sequence[tuple[str, Sequence[str]]]
    edges: Sequence[float] = (275, 360, 445)


def payslip_page(slip: Slip, *, head: bool = True, ink: str = "") -> Drawing:
    """A payslip of Asha Rao for March 2026: a head, then the lines."""
    drawing = Drawing()
    if head:
        drawing.text(LEFT, 790, "Malabar Looms Pvt Ltd", size=13, bold=True)
        drawing.text(LEFT, 770, "Payslip for March 2026")
        drawing.text(LEFT, 750, "Employee Name: Asha Rao")
    y = 715.0
    for label, amounts in slip.lines:
        if label:
            drawing.text(LEFT, y, label, colour=ink)
        for edge, amount in zip(slip.edges, amounts, strict=False):
            if amount:
                drawing.right(edge, y, amount, colour=ink)
        y -= 15
    return drawing


def payslip_of(*lines: tuple[str, Sequence[str]], edges: Sequence[float] = (275, 360, 445)) -> bytes:
    """The PDF of such a payslip."""
    return payslip_page(Slip(lines, edges)).finished()


HONEST = Slip(
    (
        ("Basic Salary", ("60,000.00",)),
        ("House Rent Allowance", ("24,000.00",)),
        ("Special Allowance", ("16,000.00",)),
        ("Gross Earnings", ("1,00,000.00",)),
        ("Income Tax", ("7,000.00",)),
        ("Total Deductions", ("7,000.00",)),
        ("Net Pay", ("93,000.00",)),
    )
)
"""Gross 1,00,000, net 93,000."""
