"""`loanstream score FILE --bundle DIR` where the bundle is of another data set: probabilities, and no decisions."""

from collections.abc import Mapping
from pathlib import Path

from loanstream.terminal import aside, emit, four_decimals, table
from registry.named import bundle_files
from scoring.bundle import MANIFEST, is_of_other_data
from scoring.shipped import BUNDLES

SHOWN = 20


def other_bundle(named: str) -> dict[str, bytes] | None:
    """The files of the bundle in a folder, where it is of another data set; None for any other name."""
    if named in BUNDLES or not (Path(named) / MANIFEST).is_file():
        return None
    files = bundle_files(named)
    return files if is_of_other_data(files) else None


def score_other(file: Path, files: Mapping[str, bytes], *, as_json: bool) -> int:
    """Tell the probability of the positive class for every row of `file`."""
    from training.tabular.bundle import load_table_bundle
    from training.tabular.score import score_table

    bundle = load_table_bundle(files)
    p, said = score_table(bundle, file)
    for sentence in said:
        aside(sentence)
    answer = [{"row": row, "p_calibrated": value} for row, value in enumerate(p.tolist(), 1)]
    target = bundle.specification.target
    title = f"the probability that {target.column} is {' or '.join(target.positive)}"
    title += "" if len(answer) <= SHOWN else f"; the first {SHOWN} of {len(answer):,} rows (all with --json)"
    rows = [(one["row"], four_decimals(one["p_calibrated"])) for one in answer[:SHOWN]]
    emit(answer, table(title, "row", "probability", rows=rows), as_json=as_json)
    return 0
