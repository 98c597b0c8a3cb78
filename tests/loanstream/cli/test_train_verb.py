"""`loanstream train`: what it prints, and what it does with a folder that holds a bundle."""

import dataclasses
import json

import pytest

from training.figures import BINS
from training.recipes import RECIPES


@pytest.fixture
def train(loanstream, sample_csv, tmp_path, monkeypatch):
    """Trains a small model on so many rows into one folder."""
    small = dataclasses.replace(RECIPES["default"], trees=10, repeats=1, folds=3)
    monkeypatch.setitem(RECIPES, "default", small)
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
        "sd over repeats",
        "No step raises it",
        str(train.out / "card.md"),
    ):
        assert word in " ".join(said.split())
    assert f"{BINS} bins of equal width" in " ".join(said.split())


def test_its_json_is_one_value_the_card(train):
    """The same as stands in the bundle."""
    told = train("--json")
    assert json.loads(told.stdout) == json.loads((train.out / "card.json").read_bytes())
    assert json.loads(told.stdout)["ece_bins"] == {"number": BINS, "kind": "equal width"}


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


def test_a_folder_with_one_file_of_a_bundle_is_not_empty(train):
    """What a broken copy left is looked at by a person."""
    train.out.mkdir()
    (train.out / "model.ubj").write_bytes(b"mine")
    assert "model.ubj differ" in train(code=1).stderr
    assert files(train.out) == {"model.ubj": b"mine"}


@pytest.mark.parametrize("name", ["default", "paper"])
def test_a_shipped_card_says_the_bins_of_its_ece(name):
    """How many, and of which kind, for people and for programs."""
    from scoring.shipped import shipped_bundle_files

    shipped = shipped_bundle_files(name)
    assert json.loads(shipped["card.json"])["ece_bins"] == {"number": 15, "kind": "equal width"}
    assert "over 15 bins of equal width, weighted by their size" in shipped["card.md"].decode()
