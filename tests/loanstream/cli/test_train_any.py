"""`loanstream train --config|--target` and `score --bundle` of another data set: the contract, and what is refused."""

import dataclasses
import json

import pytest

from training.learner.settings import EFFORTS, Setting

METRICS = {"auc", "ks", "brier", "ece", "log_loss", "accuracy", "precision", "recall", "f1"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Little work: these tests are of what is said."""
    setting = Setting("few", {"max_depth": 2, "learning_rate": 0.3}, 15)
    small = dataclasses.replace(
        EFFORTS[0], rows=10**9, folds=2, repeats=1, inner=1, settings=(setting,), parallel_trees=1
    )
    monkeypatch.setattr("training.learner.settings.EFFORTS", (small,))
    monkeypatch.setattr("training.report.of_table.report_of_table", lambda trained: b"a report")


CONFIG = """
name: mine
file: loans.csv
target: {column: BAD, positive: ["1"], negative: ["0"]}
columns:
  LOAN: {kind: number, notation: decimal_comma, low: 0}
  JOB: {kind: category, protected: true}
  DEROG: {kind: number}
  CLAGE: {kind: number, notation: decimal_comma}
"""


def home_equity(rows=200):
    """Semicolons, decimal commas and empty cells; 1 where derogatory reports are many."""
    lines = ["BAD;LOAN;JOB;DEROG;CLAGE"]
    for at in range(rows):
        derogatory = at * 7 % 5
        bad = int(derogatory + at % 3 > 4)
        lines.append(
            f"{bad};{1000 + at * 13 % 700},5;{'Mgr' if at % 2 else 'Office'};{derogatory or ''};{at * 11 % 90},25"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A data set of its own, in the folder one stands in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loans.csv").write_text(home_equity())
    (tmp_path / "mine.yaml").write_text(CONFIG)
    return tmp_path / "loans.csv"


@pytest.mark.parametrize("way", [("--config", "mine.yaml"), ("--target", "BAD")])
def test_training_tells_what_the_contract_says(loanstream, file, way):
    """One JSON value: the bundle, the rows, the positives, nine figures with their bounds; all else is on stderr."""
    done = loanstream("train", "--data", file, *way, "--out", "made", "--json")
    told = json.loads(done.stdout)
    assert set(told) == {"bundle", "rows", "positives", "metrics"}
    assert (told["bundle"], told["rows"]) == ("made", 200)
    assert told["positives"] == sum(line.startswith("1;") for line in home_equity().splitlines())
    assert set(told["metrics"]) == METRICS
    for one in told["metrics"].values():
        assert set(one) == {"value", "low", "high"}
        assert one["low"] <= one["value"] <= one["high"]
    assert "columns parted by semicolon, 200 rows" in done.stderr


def test_scoring_tells_a_probability_for_every_row(loanstream, file):
    """From 1, in the file's order, whether or not the file has the target; missing and new values are no fault."""
    loanstream("train", "--data", file, "--target", "BAD", "--out", "made")
    rows = "LOAN;JOB;DEROG;CLAGE\n1000,5;Mgr;4;10,0\n;Astronaut;;\n1000,5;Mgr;0;10,0\n"
    (file.parent / "new.csv").write_text(rows)
    told = json.loads(loanstream("score", file.parent / "new.csv", "--bundle", "made", "--json").stdout)
    assert [set(one) for one in told] == [{"row", "p_calibrated"}] * 3
    assert [one["row"] for one in told] == [1, 2, 3]
    assert all(0 < one["p_calibrated"] < 1 for one in told)
    assert told[0]["p_calibrated"] > told[2]["p_calibrated"]
    text = loanstream("score", file, "--bundle", "made").stdout
    assert "the probability that BAD is 1" in " ".join(text.split())


def test_an_inferred_specification_is_written_for_review_and_trains(loanstream, file):
    """What was guessed is a document; trained by it the figures are the same, and a person's changes in it stay."""
    first = loanstream("train", "--data", file, "--target", "BAD", "--out", "made", "--json")
    draft = file.parent / "made.specification.yaml"
    assert draft.read_text().startswith("# Inferred, a draft: review every line.")
    again = loanstream("train", "--data", file, "--config", draft, "--out", "again", "--json")
    assert json.loads(again.stdout)["metrics"] == json.loads(first.stdout)["metrics"]
    draft.write_text(draft.read_text() + "# mine\n")
    told = loanstream("train", "--data", file, "--target", "BAD", "--out", "made")
    assert "is there already, and stays as it is" in told.stderr
    assert draft.read_text().endswith("# mine\n")


def test_without_out_the_bundle_has_the_data_sets_name(loanstream, file):
    """Where one stands, and told."""
    told = json.loads(loanstream("train", "--data", file.parent, "--config", "mine.yaml", "--json").stdout)
    assert told["bundle"] == "mine-bundle"
    assert (file.parent / "mine-bundle" / "card.md").read_text().startswith("# Model card: mine")


def test_a_bundle_of_another_data_set_decides_nothing(loanstream, file):
    """No policy is compared by it, and activating it says what it is."""
    from registry.kinds import KINDS
    from schemas.problem import Problem

    loanstream("train", "--data", file, "--config", "mine.yaml", "--out", "made")
    assert "no policy decides by" in loanstream("score", file, "--bundle", "made", "--against", "paper", code=2).stderr
    bundle = KINDS["bundle"]
    with pytest.raises(Problem, match="cannot be activated; it scores files of its own columns"):
        bundle.id_of(bundle.files("made"))


def test_a_protected_column_changes_no_probability(loanstream, file):
    """It is not asked for, either."""
    loanstream("train", "--data", file, "--config", "mine.yaml", "--out", "made")
    one, other = (
        loanstream("score", path, "--bundle", "made", "--json").stdout
        for path in (file, _written(file.parent / "turned.csv", home_equity().replace("Mgr", "Office")))
    )
    assert one == other


def _written(path, text):
    path.write_text(text)
    return path


BAD_INPUT = [
    ("missing target", lambda text: text.replace("BAD;", "GOOD;"), "no column BAD; expected one of GOOD, LOAN"),
    ("one class", lambda text: text.replace("\n1;", "\n0;"), "BAD: one value; expected two"),
    ("three values", lambda text: text + "2;1000,5;Mgr;1;10,0\n", "BAD: 3 values; expected two"),
    ("ten rows", lambda text: "\n".join(text.splitlines()[:11]), "expected at least 50 rows"),
    ("a short row", lambda text: text + "1;2\n", "line 202: 2 cells, expected 5"),
    ("a name twice", lambda text: text.replace("LOAN;", "JOB;"), "more than one column JOB"),
    ("nothing", lambda text: "", "is empty"),
    ("a header alone", lambda text: text.splitlines()[0], "has a header and no rows"),
    (
        "no columns that vary",
        lambda text: "BAD;X\n" + "0;1\n1;1\n" * 50,
        "no column beside BAD could teach a model anything",
    ),
    ("a copy of the target", lambda text: "BAD;X\n" + "0;7\n1;9\n" * 50, "every column leaks the target: X"),
]


@pytest.mark.parametrize(("change", "says"), [row[1:] for row in BAD_INPUT], ids=[row[0] for row in BAD_INPUT])
def test_bad_input_is_told_in_one_line(loanstream, file, change, says):
    """No trace, no bundle: what is wrong, where, and what is expected."""
    file.write_text(change(home_equity()))
    done = loanstream("train", "--data", file, "--target", "BAD", "--out", "made", code=1)
    *_, line = done.stderr.splitlines()
    assert line.startswith("loanstream: ")
    assert says in line
    assert done.stdout == ""
    assert not (file.parent / "made").exists()


TREATED = [
    ("utf-16", lambda text: text.encode("utf-16"), "UTF-16"),
    ("duplicate rows", lambda text: (text + "\n".join(text.splitlines()[1:30])).encode(), "29 rows are copies"),
    ("a constant column", lambda text: _with(text, lambda at: "same"), "EXTRA: ignored: every cell is the same"),
    ("an empty column", lambda text: _with(text, lambda at: ""), "EXTRA: ignored: no cell holds a value"),
    ("an id", lambda text: _with(text, lambda at: str(70_000 + at)), "EXTRA: identifier: "),
    ("words among numbers", lambda text: _with(text, lambda at: "soon" if at == 9 else str(at % 31)), "EXTRA: 1 cells are no number and count as missing (the first in line 11)"),
    ("mixed dates", lambda text: _with(text, lambda at: f"2020-01-{at % 28 + 1:02}" if at % 2 else f"{at % 28 + 1}.1.20"), "EXTRA: "),
    ("labels in two cases", lambda text: text.replace("\n1;", "\nYes;").replace("\n0;", "\nno;").replace("\nno;", "\nNO;", 1).encode(), "upper and lower case do not differ"),
    ("a blank label", lambda text: (text + ";1000,5;Mgr;1;10,0\n").encode(), "1 rows have no value and are left out"),
]  # fmt: skip


def _with(text, cell):
    """The text with a column more."""
    head, *rows = text.splitlines()
    return "\n".join([f"{head};EXTRA", *(f"{row};{cell(at)}" for at, row in enumerate(rows))]).encode()


@pytest.mark.parametrize(("change", "says"), [row[1:] for row in TREATED], ids=[row[0] for row in TREATED])
def test_what_can_be_treated_is_treated_and_told(loanstream, file, change, says):
    """No silence: the answer and the card say what was done."""
    file.write_bytes(change(home_equity()))
    done = loanstream("train", "--data", file, "--target", "BAD", "--out", "made", "--json")
    assert json.loads(done.stdout)["rows"] in {200, 229}
    assert says in done.stderr
    assert says in (file.parent / "made" / "card.md").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--config", "mine.yaml", "--target", "BAD"), "expected one of both"),
        (("--target", "BAD", "--recipe", "paper"), "--recipe: only of the loan layout"),
        ((), "--out: expected a folder for the bundle"),
    ],
)
def test_options_that_do_not_go_together_are_told(loanstream, file, options, says):
    """Exit 2: the command line is wrong by itself."""
    assert says in loanstream("train", "--data", file, *options, code=2).stderr


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (
            "nowhere.yaml",
            "no specification nowhere.yaml: expected boston_hmda, dream_housing, loan_approval_dataset, or a",
        ),
        ("wrong.yaml", "wrong.yaml: target.colour"),
        ("lacking.yaml", "the header lacks SALARY"),
    ],
)
def test_a_specification_that_does_not_fit_is_told(loanstream, file, config, says):
    """Its place, or the column that the file lacks."""
    (file.parent / "wrong.yaml").write_text(CONFIG.replace("{column: BAD,", "{column: BAD, colour: red,"))
    (file.parent / "lacking.yaml").write_text(CONFIG + "  SALARY: {kind: number}\n")
    assert says in loanstream("train", "--data", file, "--config", config, code=1).stderr
