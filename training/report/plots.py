"""The plots of a report, each from its evidence to an SVG element."""

import html
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import EngFormatter
from sklearn.metrics import precision_recall_curve, roc_curve

from training.explain.ablation import Ablated
from training.explain.dependence import Dependence
from training.explain.importance import Importance
from training.fairness.frontier import Point
from training.report.drawn import BLUE, GREEN, GREY, ORANGE, axes, svg

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

BINS = 15
_LONG = 10_000
"""From here on an axis says k and M."""

_SMALL = (3.15, 3.0)
"""Inches, three abreast."""

SWARM_ROWS = 200
SWARM_FEATURES = 15
SEED = 20260101


def reliability(probability: Vector, labels: Labels) -> str:
    """Promised against found over bins of equal mass, with Wilson's 95 % intervals, above where the promises lie."""
    figure, ((plot,), (below,)) = axes(5.2, 4.2, rows=2)
    plot.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="exactly right")
    bins = [one for one in np.array_split(np.argsort(probability, kind="stable"), BINS) if len(one)]
    promised = np.array([probability[one].mean() for one in bins])
    found = np.array([labels[one].mean() for one in bins])
    low, high = wilson(found, np.array([len(one) for one in bins]))
    plot.errorbar(
        promised,
        found,
        yerr=[np.maximum(found - low, 0), np.maximum(high - found, 0)],
        fmt="o",
        color=BLUE,
        markersize=4,
        linewidth=1,
        label=f"{len(bins)} bins of equal mass",
    )
    plot.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="found", title="Reliability")
    plot.legend(loc="upper left")
    below.hist(probability, bins=np.linspace(0, 1, 41), color=BLUE, alpha=0.8)
    below.set(xlim=(-0.02, 1.02), xlabel="promised probability", ylabel="rows", yscale="log")
    return svg(figure, "promised probability against found share")


def wilson(share: Vector, count: npt.NDArray[np.int_], z: float = 1.96) -> tuple[Vector, Vector]:
    """Bounds of a share's 95 % interval (Wilson 1927).

    >>> low, high = wilson(np.array([0.0]), np.array([20]))
    >>> float(low[0]), round(float(high[0]), 3)
    (0.0, 0.161)
    """
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def curves(probability: Vector, labels: Labels) -> str:
    """ROC, precision and recall, and Kolmogorov and Smirnov's distance, three plots that stand side by side where there
    is room.
    """
    return "".join(draw(probability, labels) for draw in (_roc, _precision, _ks))


def _roc(probability: Vector, labels: Labels) -> str:
    figure, ((plot,),) = axes(*_SMALL)
    false, true, _ = roc_curve(labels, probability)
    plot.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
    plot.plot(*_thinned(false, true), color=BLUE)
    plot.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
    return svg(figure, "ROC curve")


def _precision(probability: Vector, labels: Labels) -> str:
    figure, ((plot,),) = axes(*_SMALL)
    precision, recall, _ = precision_recall_curve(labels, probability)
    plot.axhline(labels.mean(), color=GREY, linewidth=1, linestyle="--")
    plot.plot(*_thinned(recall[::-1], precision[::-1]), color=BLUE)
    plot.set(xlabel="recall", ylabel="precision", title="Precision and recall", ylim=(0, 1.03))
    return svg(figure, "precision and recall")


def _ks(probability: Vector, labels: Labels) -> str:
    figure, ((plot,),) = axes(*_SMALL)
    false, true, at = roc_curve(labels, probability)
    cut, widest = np.clip(at, 0, 1), int(np.argmax(true - false))
    plot.plot(*_thinned(cut, true), color=GREEN, label="positive")
    plot.plot(*_thinned(cut, false), color=ORANGE, label="negative")
    plot.vlines(cut[widest], false[widest], true[widest], color=GREY, linewidth=1.5)
    plot.set(xlabel="cut", ylabel="share above the cut", title=f"KS {true[widest] - false[widest]:.3f}")
    plot.legend()
    return svg(figure, "shares of both labels above each cut")


def _thinned(x: Vector, y: Vector, most: int = 400) -> tuple[Vector, Vector]:
    kept = np.unique(np.linspace(0, len(x) - 1, min(most, len(x))).astype(int))
    return x[kept], y[kept]


def scores(probability: Vector, labels: Labels, positive: str) -> str:
    """Where the two labels' probabilities lie."""
    figure, ((plot,),) = axes(5.2, 3.0)
    edges = np.linspace(0, 1, 41)
    for label, name, colour in ((1, _short(positive), GREEN), (0, _short(f"not {positive}"), ORANGE)):
        plot.hist(probability[labels == label], bins=edges, color=colour, alpha=0.6, label=name)
    plot.set(xlabel=f"probability of {_short(positive, 50)}", ylabel="rows", yscale="log", title="Scores by label")
    plot.legend()
    return svg(figure, "distribution of probabilities by label")


def swarm(names: Sequence[str], rows: Matrix, contributions: Matrix, order: Sequence[str]) -> str:
    """Each row's contributions, coloured by the feature's own value from low (blue) to high (orange); missing grey."""
    shown = list(order[:SWARM_FEATURES])
    rng = np.random.default_rng(SEED)
    sample = np.sort(rng.choice(len(rows), min(SWARM_ROWS, len(rows)), replace=False))
    figure, ((plot,),) = axes(7.2, 0.9 + 0.32 * len(shown))
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("values", [BLUE, "#cfd4da", ORANGE])
    for line, name in enumerate(reversed(shown)):
        at = list(names).index(name)
        values, moved = rows[sample, at], contributions[sample, at]
        known = ~np.isnan(values)
        height = line + rng.uniform(-0.3, 0.3, len(sample))
        ranks = np.zeros(len(values))
        ranks[known] = np.searchsorted(np.sort(values[known]), values[known], side="right") / max(known.sum(), 1)
        plot.scatter(moved[~known], height[~known], s=5, color=GREY, linewidths=0)
        plot.scatter(moved[known], height[known], s=5, c=ranks[known], cmap=colours, vmin=0, vmax=1, linewidths=0)
    plot.axvline(0, color=GREY, linewidth=1)
    plot.set_yticks(range(len(shown)), [_short(name) for name in reversed(shown)])
    plot.set(xlabel="contribution to log-odds", title="What moved each row")
    return svg(figure, "contributions of each feature, one dot a row")


def bars(found: Sequence[Importance]) -> str:
    """AUC lost when a feature is shuffled, with the spread over shuffles."""
    figure, ((plot,),) = axes(5.2, 0.9 + 0.26 * len(found))
    names = [_short(one.feature) for one in reversed(found)]
    plot.barh(names, [one.lost for one in reversed(found)], xerr=[one.spread for one in reversed(found)], color=BLUE)
    plot.set(xlabel="AUC lost when shuffled", title="Permutation importance")
    return svg(figure, "AUC lost when a feature is shuffled")


def dependences(found: Sequence[Dependence], levels: Mapping[str, Sequence[str]] = MappingProxyType({})) -> str:
    """Small plots, one a feature: the mean, and the band in which 80 % of single rows lie. A feature that has `levels`
    is shown by their names.
    """
    return "".join(_dependence(one, levels.get(one.feature)) for one in found)


def _dependence(one: Dependence, levels: Sequence[str] | None) -> str:
    figure, ((plot,),) = axes(2.35, 1.9)
    name = _short(one.feature)
    plot.fill_between(one.values, one.low, one.high, color=BLUE, alpha=0.18, linewidth=0)
    plot.plot(one.values, one.mean, color=BLUE, marker="o" if levels is not None else "", markersize=3)
    plot.set(ylim=(-0.03, 1.03), title=name if levels is not None else f"{name}: {one.way}")
    plot.title.set_fontsize(8.5)
    plot.tick_params(labelsize=7.5)
    if levels is None and np.abs(one.values).max() >= _LONG:
        plot.xaxis.set_major_formatter(EngFormatter(sep=""))
    if levels is not None:
        plot.set_xticks(one.values, [_short(levels[int(value)], 9) for value in one.values])
        plot.tick_params(axis="x", rotation=90 if len(one.values) > 3 else 0)
    return svg(figure, f"partial dependence of {html.escape(one.feature)}")


def _short(text: str, most: int = 26) -> str:
    """A name as a plot has room for it; a dollar sign in it begins no formula."""
    kept = text if len(text) <= most else f"{text[: most - 1]}…"
    return kept.replace("$", r"\$")


def losses(found: Sequence[Ablated]) -> str:
    """AUC lost when the model is trained without a feature, with 95 % intervals."""
    figure, ((plot,),) = axes(5.2, 0.9 + 0.26 * len(found))
    names = [_short(one.feature) for one in reversed(found)]
    lost = np.array([one.lost for one in reversed(found)])
    low, high = (np.array([getattr(one, end) for one in reversed(found)]) for end in ("low", "high"))
    plot.barh(names, lost, xerr=[np.maximum(lost - low, 0), np.maximum(high - lost, 0)], color=BLUE, alpha=0.85)
    plot.axvline(0, color=GREY, linewidth=1)
    plot.set(xlabel="AUC lost when trained without", title="Ablation")
    return svg(figure, "AUC lost without each feature")


def frontier(points: Sequence[Point]) -> str:
    """Impact ratio against AUC; hollow points are dominated, triangles use the group to decide."""
    figure, ((plot,),) = axes(6.4, 3.6)
    plot.axhline(0.8, color=ORANGE, linewidth=1, linestyle="--")
    near = {one.way: at for at, one in enumerate(sorted(points, key=lambda one: (one.auc, one.way)))}
    for one in points:
        colour = GREY if one.dominated else BLUE
        plot.scatter(
            one.auc,
            one.impact_ratio,
            marker="^" if one.uses_group else "o",
            s=60 if one.kind == "base" else 30,
            facecolors="none" if one.dominated else colour,
            edgecolors=colour,
        )
        if not one.dominated:
            plot.annotate(
                one.way,
                (one.auc, one.impact_ratio),
                xytext=(4, (4, -10)[near[one.way] % 2]),
                textcoords="offset points",
                fontsize=8,
            )
    plot.set(xlabel="AUC", ylabel="impact ratio of the least favoured group", title="What mitigation costs")
    return svg(figure, "impact ratio against AUC of each way to mitigate")
