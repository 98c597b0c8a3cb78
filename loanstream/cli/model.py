"""`loanstream model`: which bundles there are, what they say of themselves, how two differ, whether one is what it
says.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group

from loanstream.cli.listed import listed
from loanstream.cli.options import AsJson, verb
from loanstream.models.compare import differences, figures, same_data
from loanstream.models.described import CARD_TEXT, Described, described
from loanstream.models.verify import verify
from loanstream.terminal import aside, emit, table
from schemas.problem import Problem
from scoring.shipped import BUNDLES

app = verb()

OF_THE_LIST = ("accuracy", "auc", "brier")


@app.callback()
def model() -> None:
    """Model bundles: list, show, compare two, verify one, write the validation report of one."""


NAMED: Any = typer.Argument(metavar="NAME|DIR", help="a shipped bundle's name, or a folder that train wrote")


def run_list(folders: list[str], *, as_json: bool) -> int:
    """The shipped bundles, and those of the folders named."""
    found = [described(named) for named in (*BUNDLES, *folders)]
    rows = [(one.named, _data(one), *(_figure(one.figures.get(name)) for name in OF_THE_LIST)) for one in found]
    told = [{"named": one.named, "bundle_id": one.bundle_id, **_head(one), "figures": one.figures} for one in found]
    ids = listed([(one.named, one.bundle_id) for one in found])
    figures = table("bundles, figures of their cards", "bundle", "trained on", *OF_THE_LIST, rows=rows)
    emit(told, Group(figures, "", ids), as_json=as_json)
    return 0


def run_show(named: str, *, as_json: bool) -> int:
    """The card as it stands in the bundle; of a bundle without one, what the manifest says."""
    one = described(named)
    text = one.files.get(CARD_TEXT, b"").decode() or listed([(name, str(value)) for name, value in _head(one).items()])
    emit({"bundle_id": one.bundle_id, "manifest": one.manifest, "card": one.card}, text, as_json=as_json)
    return 0


def run_compare(a: str, b: str, *, as_json: bool) -> int:
    """Exit code 1 where anything but a name differs."""
    ours, theirs = described(a), described(b)
    found, beside, same = differences(ours, theirs), figures(ours, theirs), same_data(ours, theirs)
    told = {
        "same": ours.bundle_id == theirs.bundle_id,
        "same_data": same,
        "a": {"named": a, "bundle_id": ours.bundle_id},
        "b": {"named": b, "bundle_id": theirs.bundle_id},
        "figures": {name: {"a": one, "b": other} for name, (one, other) in beside.items()},
        "differences": [asdict(one) for one in found],
    }
    note = "" if same else "The two were trained on different data: their figures do not compare."
    rows = [(name, _figure(one), _figure(other)) for name, (one, other) in beside.items()]
    text = Group(
        listed([("A", f"{a}, {ours.bundle_id}"), ("B", f"{b}, {theirs.bundle_id}")]),
        "",
        table("figures of the cards, out of fold", "figure", "A", "B", rows=rows),
        *(("", note) if note else ()),
        "",
        table("what else differs", "what", "A", "B", rows=[(d.what, _or_none(d.a), _or_none(d.b)) for d in found])
        if found
        else "nothing else differs",
    )
    emit(told, text, as_json=as_json)
    return 0 if told["same"] else 1


def run_verify(named: str, data: Path | None, *, as_json: bool) -> int:
    """Exit code 1 where a claim does not hold."""
    checked = list(verify(described(named), data))
    emit(
        {"ok": all(one.ok is not False for one in checked), "claims": [asdict(one) for one in checked]},
        listed([(f"{_MARK[one.ok]}  {one.claim}", one.said) for one in checked]),
        as_json=as_json,
    )
    return int(any(one.ok is False for one in checked))


def run_report(named: str, data: Path, out: Path, *, as_json: bool) -> int:
    """The validation report of a bundle that has none. Problem where training gives another bundle."""
    from loanstream.models.again import report_of

    if out.is_dir():
        raise Problem(f"--out: {out} is a folder; expected a file")
    one = described(named)
    aside(f"training {named} again, and measuring it")
    page = report_of(one, data)
    out.write_bytes(page)
    told = {"report": str(out), "bundle_id": one.bundle_id, "bytes": len(page)}
    emit(told, listed([("report", str(out)), ("of", one.bundle_id)]), as_json=as_json)
    return 0


_MARK: dict[bool | None, str] = {True: "ok    ", False: "FAILED", None: "open  "}


def _head(one: Described) -> dict[str, Any]:
    manifest = one.manifest
    return {
        "name": manifest.get("name"),
        "label": manifest.get("label") or manifest.get("positive"),
        "currency": manifest.get("currency"),
        "data": manifest.get("data"),
        "features": one.features,
    }


def _data(one: Described) -> str:
    data = one.manifest.get("data", {})
    return f"{data.get('rows', 0):,} rows of {data.get('source', 'unknown')}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"


def _or_none(value: Any) -> str:
    return "none" if value is None else str(value)


@app.command("list")
def model_list(
    folders: Annotated[list[str] | None, typer.Argument(metavar="[DIR]...", help="folders that train wrote")] = None,
    as_json: AsJson = False,
) -> None:
    """The bundles that come with the package, and those in the folders named, with their cards' figures."""
    raise typer.Exit(run_list(folders or [], as_json=as_json))


@app.command("show")
def model_show(named: Annotated[str, NAMED], as_json: AsJson = False) -> None:
    """A bundle's card."""
    raise typer.Exit(run_show(named, as_json=as_json))


@app.command("compare")
def model_compare(a: Annotated[str, NAMED], b: Annotated[str, NAMED], as_json: AsJson = False) -> None:
    """Two bundles: their figures side by side, and whatever else differs; exit 1 where anything does."""
    raise typer.Exit(run_compare(a, b, as_json=as_json))


@app.command("verify")
def model_verify(
    named: Annotated[str, NAMED],
    data: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="the file it was trained on")] = None,
    as_json: AsJson = False,
) -> None:
    """Whether a bundle is what it says: files, features, golden vectors, card; with --data, trained again."""
    raise typer.Exit(run_verify(named, data, as_json=as_json))


@app.command("report")
def model_report(
    named: Annotated[str, NAMED],
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="the file it was trained on")],
    out: Annotated[Path, typer.Option(help="the HTML file to write")] = Path("report.html"),
    as_json: AsJson = False,
) -> None:
    """The validation report of a bundle that has none: it is trained again with the file it was trained on."""
    raise typer.Exit(run_report(named, data, out, as_json=as_json))
