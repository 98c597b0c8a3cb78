"""`loanstream train`: what it prints, and what it does with a folder that holds a bundle."""

import dataclasses
import json

import pytest

from training.figures import ESTIMATED_ECE_BINS
from training.ranked import MASS_BINS
from training.recipes import RECIPES, Trees


@pytest.fixture
def train(loanstream, sample_csv, tmp_path, monkeypatch):
    """Trains a small model on so many rows into one folder."""
    default = RECIPES["default"]
    small = dataclasses.replace(default, choices=(Trees(10, default.choices[0].params),), repeats=1, folds=3)
    monkeypatch.setitem(RECIPES, "default", small)
    # What is in a report has tests of its own; it takes seconds.
    monkeypatch.setattr(
        "training.report.of_loans.report_of_loans", lambda made: b"a report of %d rows" % len(made.p[0])
    )
    out = tmp_path / "bundle"

    def run(*options, rows=300, code=0):
        (tmp_path / "loans.csv").write_bytes(sample_csv(rows, 7))
        return loanstream("train", "--data", tmp_path / "loans.csv", "--out", out, *options, code=code)

    run.out = out
    return run


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_was_trained_is_told_in_lines_that_fit(train):
    """Figures with what they are figures of, and nothing in Python's own notation."""
    said = train().stdout
    assert max(map(len, said.splitlines())) <= 100
    assert not set("{}[]") & set(said)
    for word in (
        "300 rows of loans.csv",
        "accuracy",
        "95 % intervals",
        "lie between 0.3 and 0.7",
        "No step raises it",
        str(train.out / "card.md"),
    ):
        assert word in " ".join(said.split())
    assert f"{MASS_BINS} bins of equal mass" in " ".join(said.split())


def test_its_json_is_one_value_the_card(train):
    """The same as stands in the bundle, and where that is."""
    told = train("--json")
    card = json.loads((train.out / "card.json").read_bytes())
    assert json.loads(told.stdout) == {**card, "bundle": str(train.out)}
    assert json.loads(told.stdout)["ece_bins"] == ESTIMATED_ECE_BINS


def test_another_bundle_in_the_folder_stays(train):
    """It is named what to do; the same one again is no other; --force overwrites."""
    train()
    before = files(train.out)
    train()
    assert files(train.out) == before
    (line,) = train(rows=350, code=1).stderr.splitlines()
    assert line.startswith(f"loanstream: {train.out} holds another bundle (")
    assert line.endswith("nothing was written; name another --out, or overwrite it with --force")
    assert files(train.out) == before
    train("--force", rows=350)
    assert files(train.out) != before


def test_a_report_lies_beside_the_card_unless_it_is_left_out(train):
    """Its place is told; a report of another bundle does not stay where that is overwritten."""
    assert str(train.out / "report.html") in " ".join(train().stdout.split())
    assert (train.out / "report.html").read_bytes() == b"a report of 300 rows"
    train("--no-report", "--force", rows=350)
    assert not (train.out / "report.html").exists()


def test_a_folder_with_one_file_of_a_bundle_is_not_empty(train):
    """What a broken copy left is looked at by a person."""
    train.out.mkdir()
    (train.out / "model.ubj").write_bytes(b"mine")
    assert "model.ubj differ" in train(code=1).stderr
    assert files(train.out) == {"model.ubj": b"mine"}


@pytest.mark.parametrize("name", ["default", "as-labelled", "paper"])
def test_a_shipped_card_says_the_bins_of_its_ece(name):
    """How many, and of which kind, for people and for programs."""
    from scoring.shipped import shipped_bundle_files

    shipped = shipped_bundle_files(name)
    assert json.loads(shipped["card.json"])["ece_bins"] == {"number": 15, "kind": "equal mass"}
    assert "over 15 bins of equal mass, weighted by their size" in shipped["card.md"].decode()


@pytest.mark.parametrize("named", ["", " "])
def test_a_folder_without_a_name_is_none(loanstream, tmp_path, monkeypatch, named):
    """A variable that is not set in a script fills no current directory with a bundle."""
    monkeypatch.chdir(tmp_path)
    assert "--out" in loanstream("train", "--out", named, "--data", tmp_path, code=2).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        (lambda text: text.replace("Approved", "Rejected"), "has 0 Approved and 300 Rejected"),
        (lambda text: text.replace("Rejected", "Approved"), "has 300 Approved and 0 Rejected"),
        (lambda text: "\n".join(text.splitlines()[:6]), "expected at least 3 of each"),
        (lambda text: text.replace(" Approved", " approved"), "loan_status: expected Approved or Rejected"),
    ],
)
def test_data_that_teach_nothing_are_told_in_one_line(loanstream, train, sample_csv, tmp_path, cut, says):
    """A person can mend it: no trace, and nothing is written."""
    train()
    (tmp_path / "loans.csv").write_text(cut(sample_csv(300, 7).decode()))
    done = loanstream("train", "--data", tmp_path / "loans.csv", "--out", tmp_path / "new", code=1)
    (line,) = done.stderr.splitlines()
    assert says in line
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_folders_place_stays(loanstream, train, tmp_path):
    """It is named, and left as it is."""
    train()
    (tmp_path / "taken").write_text("mine")
    done = loanstream("train", "--data", tmp_path / "loans.csv", "--out", tmp_path / "taken", code=1)
    assert done.stderr.startswith(f"loanstream: {tmp_path / 'taken'} is a file; expected a folder")
    assert (tmp_path / "taken").read_text() == "mine"


def test_an_edited_card_is_told_by_training_again(train):
    """The card is in no hash: the same training into the same folder names it, and leaves it for a person to look at."""
    train()
    card = train.out / "card.md"
    edited = card.read_text().replace("| auc | 0.", "| auc | 1.")
    assert edited != card.read_text()
    card.write_text(edited)
    assert "holds another bundle (card.md differ)" in train(code=1).stderr
    assert card.read_text() == edited
