"""`loanstream train --config` and `--target`: a bundle from any data set."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group

from loanstream.cli.listed import listed
from loanstream.terminal import aside, emit, table
from schemas.problem import Problem, WrongOption

if TYPE_CHECKING:
    from training.specification import Specification
    from training.tabular.data import TabularData
    from training.tabular.train import Trained


def train_any(
    data: Path | None,
    out: Path | None,
    config: str | None,
    target: str | None,
    *,
    force: bool,
    report: bool,
    as_json: bool,
) -> int:
    """Train on a data set that the specification `config` describes, or that is inferred to tell `target`."""
    from training.folder import REPORT, AnotherBundleError, check_folder, write_files
    from training.tabular.train import train_table

    if data is None:
        raise WrongOption("--data: expected a file, or with --config the folder that holds the specification's file")
    found = _with_config(data, config) if config is not None else _with_target(data, target or "")
    folder = out or Path(f"{found.specification.name}-bundle")
    check_folder(folder)
    for sentence in found.said:
        aside(sentence)
    trained = train_table(found, tell=lambda what: aside(f"training: {what}"))
    files = dict(trained.files)
    if report:
        from training.report.of_table import report_of_table

        aside("training: the validation report")
        files[REPORT] = report_of_table(trained)
    try:
        write_files(files, folder, overwrite=force)
    except AnotherBundleError as there:
        raise Problem(f"{there}; name another --out, or overwrite it with --force") from None
    if config is None:
        _write_draft(found.specification, folder)
    answer = {
        "bundle": str(folder),
        "rows": trained.card["rows"],
        "positives": trained.card["positives"],
        "metrics": trained.card["metrics"],
    }
    emit(answer, _text(trained, folder), as_json=as_json)
    return 0


def _with_config(data: Path, config: str) -> "TabularData":
    from training.tabular.data import by_specification

    specification = _specification(config)
    return by_specification(_file(data, specification), specification)


def _specification(config: str) -> "Specification":
    """The specification in a file, or a shipped one by its name."""
    from training.configs import NAMES, shipped_specification
    from training.specification import parse_specification

    if config in NAMES:
        return parse_specification(shipped_specification(config), f"{config}.yaml")
    if not Path(config).is_file():
        raise Problem(f"no specification {config}: expected {', '.join(NAMES)}, or a YAML file")
    try:
        return parse_specification(Path(config).read_text("utf-8"), Path(config).name)
    except UnicodeDecodeError:
        raise Problem(f"{config}: not UTF-8 text") from None


def _file(data: Path, specification: "Specification") -> Path:
    file = data / specification.file if data.is_dir() and specification.file else data
    if not file.is_file():
        named = f" that holds {specification.file}" if specification.file else ""
        raise Problem(f"no data at {file}: --data names a file, or the folder{named}")
    return file


def _with_target(data: Path, target: str) -> "TabularData":
    from training.tabular.data import by_inference

    if not data.is_file():
        raise Problem(f"no data at {data}: with --target, --data names a file")
    return by_inference(data, target, _name(data.stem))


def _name(stem: str) -> str:
    """A specification's name of a file's."""
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_.-") else "_" for letter in stem)
    return kept.strip("_.-")[:100] or "data"


def _write_draft(specification: "Specification", folder: Path) -> None:
    """The inferred specification beside the bundle; what a person has edited there stays."""
    from training.specification import specification_yaml

    head = (
        "Inferred, a draft: review every line. Then train by it:\n"
        f"loanstream train --data FILE --config {folder.name}.specification.yaml"
    )
    beside = folder.with_name(f"{folder.name}.specification.yaml")
    text = specification_yaml(specification, head)
    if beside.exists() and beside.read_text("utf-8") != text:
        aside(f"{beside} is there already, and stays as it is; the bundle holds the one that was used")
        return
    beside.write_text(text, "utf-8")
    aside(f"{beside}: what was inferred, for review")


def _text(trained: "Trained", folder: Path) -> Group:
    card = trained.card
    heads = [
        ("bundle", f"{card['name']} in {folder}"),
        ("id", card["bundle_id"]),
        ("trained on", f"{card['rows']:,} rows of {card['data']['source']}, {card['positives']:,} of them positive"),
        ("positive", f"{card['target']['column']} is {' or '.join(card['target']['positive'])}"),
        ("features", ", ".join(card["features"])),
        ("protected", ", ".join(card["protected"]) or "none named"),
        *(("warning", warning) for warning in card["warnings"]),
        ("card", str(folder / "card.md")),
        *([("report", str(folder / "report.html"))] if (folder / "report.html").exists() else []),
    ]
    rows = [
        (name, f"{one['value']:.4f}", f"{one['low']:.4f}", f"{one['high']:.4f}")
        for name, one in card["metrics"].items()
    ]
    figures = table("figures, pooled out of fold", "figure", "value", "low", "high", rows=rows)
    floor = card["ece_noise_floor"]
    said = f"ECE: 15 bins of equal mass; probabilities that are exactly right would show {floor['value']:.4f} here."
    return Group(listed(heads), "", figures, "", said)
