"""Elements of a picture: what is drawn is text, and none of it can be taken for a part of the drawing."""

import unicodedata
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

INK, SOFT, LINE, PAPER, PAGE = "#17222c", "#4d5b67", "#dde3e8", "#ffffff", "#f3f5f7"
FONT: Final = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"

BOLDER: Final = 1.1
"""So much wider bold text is."""

_UNSEEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Categories of characters that XML forbids, or that turn or hide the text around them."""
_NARROW: Final = frozenset("iljtfrI.,:;'|!()[] ")
_WIDE: Final = frozenset("mwMW@%")


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the picture, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Where it ends, below."""
        return self.y + self.height

    def inside(self, left: float, top: float, right: float, bottom: float) -> "Box":
        """What is left of it within margins."""
        return Box(self.x + left, self.y + top, max(self.width - left - right, 1), max(self.height - top - bottom, 1))


def tag(name: str, content: str | None = None, **attributes: str | float) -> str:
    """An element; `_` in an attribute's name is a dash. `content` is drawn already."""
    written = "".join(f" {key.replace('_', '-')}={quoteattr(_value(value))}" for key, value in attributes.items())
    return f"<{name}{written}/>" if content is None else f"<{name}{written}>{content}</{name}>"


def rectangle(box: Box, fill: str, **more: str | float) -> str:
    """A filled one."""
    return tag("rect", None, x=box.x, y=box.y, width=box.width, height=box.height, fill=fill, **more)


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = LINE, **more: str | float) -> str:
    """A straight one."""
    return tag("line", None, x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, **more)


def words(
    x: float,
    y: float,
    said: str,
    size: float = 13,
    fill: str = INK,
    *,
    room: float | None = None,
    anchor: str = "start",
    weight: int = 400,
) -> str:
    """Text on its base line at y, cut with an ellipsis where it needs more than `room` pixels."""
    text = seen(said) if room is None else cut(said, size, room / (BOLDER if weight >= 600 else 1))
    return tag("text", escape(text), x=x, y=y, font_size=size, fill=fill, text_anchor=anchor, font_weight=weight)


def seen(said: str) -> str:
    r"""What of a text can be seen; line ends are spaces.

    >>> seen("two\nlines\x00")
    'two lines'
    """
    return "".join(each for each in " ".join(said.split()) if unicodedata.category(each) not in _UNSEEN)


def length(said: str, size: float) -> float:
    """About how many pixels a text needs."""
    return size * sum(_em(each) for each in said)


def cut(said: str, size: float, room: float) -> str:
    """A text that fits.

    >>> cut("documents_contradict_income", 12, 80)
    'documents…'
    """
    text = seen(said)
    if length(text, size) <= room:
        return text
    while text and length(text, size) > room - size:
        text = text[:-1]
    return f"{text}…"


def wrapped(said: str, size: float, room: float) -> list[str]:
    """Lines of words that fit."""
    lines = [""]
    for word in seen(said).split():
        longer = f"{lines[-1]} {word}".strip()
        if length(longer, size) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [cut(each, size, room) for each in lines if each]


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    return 0.92 if character in _WIDE else 0.72 if character.isupper() else 0.6


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
