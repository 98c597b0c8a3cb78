"""Curves over a run as a small SVG."""

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT, LEFT, TOP, LABELS = 640, 300, 60, 20, 150
COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#8a5a83", "#d4a017", "#3d405b")


@dataclass(slots=True)
class Curve:
    """`points`: minutes of the run (or whatever the title says), and a value."""

    name: str
    points: list[tuple[float, float]] = field(default_factory=list)


def svg(title: str, unit: str, curves: Sequence[Curve]) -> str:
    """The curves above an axis from 0 to the last point, each with its name at its end."""
    last = max(at for curve in curves for at, _ in curve.points)
    most = max(value for curve in curves for _, value in curve.points) * 1.05
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + LABELS}" height="{HEIGHT + 2 * TOP + 20}">',
        "<style>text {font: 12px sans-serif}</style>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="14">{title}</text>',
    ]
    for step in range(5):
        y = _y(most * step / 4, most)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{most * step / 4:.0f} {unit}</text>')
    for label, line in zip(_apart([_y(curve.points[-1][1], most) for curve in curves]), enumerate(curves), strict=True):
        number, curve = line
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{LEFT + at / last * WIDTH:.1f},{_y(value, most):.1f}" for at, value in curve.points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{LEFT + WIDTH + 6}" y="{label + 4:.1f}" fill="{colour}">{curve.name}</text>')
    for step in range(5):
        x = LEFT + WIDTH * step / 4
        parts.append(f'<text x="{x}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{last * step / 4:.1f}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _y(value: float, most: float) -> float:
    return TOP + HEIGHT * (1 - value / most)


def _apart(heights: Sequence[float], gap: float = 13.0) -> list[float]:
    """The heights, moved so far that names do not cover each other."""
    placed: dict[int, float] = {}
    lowest = float("-inf")
    for number in sorted(range(len(heights)), key=heights.__getitem__):
        lowest = placed[number] = max(heights[number], lowest + gap)
    return [placed[number] for number in range(len(heights))]
