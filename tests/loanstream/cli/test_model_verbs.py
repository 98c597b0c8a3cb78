"""Whoever keeps models sees which there are, how two differ, and whether one is what it says."""

import dataclasses
import json

import pytest

from registry.named import bundle_files
from scoring.bundle import bundle_id_of
from scoring.shipped import BUNDLES
from training.learner.settings import EFFORTS, Setting
from training.recipes import RECIPES, Trees
from training.train import train


@pytest.fixture(scope="module")
def small():
    """A recipe that trains in a moment, under the name by which a manifest finds it again."""
    return dataclasses.replace(
        RECIPES["default"], choices=(Trees(8, RECIPES["default"].choices[0].params),), repeats=1, folds=3
    )


@pytest.fixture
def trained(sample_csv, tmp_path, monkeypatch, small):
    """A bundle's folder and the file it was trained on."""
    monkeypatch.setitem(RECIPES, "default", small)
    data = tmp_path / "loans.csv"
    data.write_bytes(sample_csv(300, 7))
    train(data, tmp_path / "bundle", small)
    return tmp_path / "bundle", data


def claims(said):
    return {one["claim"]: one["ok"] for one in json.loads(said)["claims"]}


def test_shipped_bundles_and_folders_are_listed_with_their_cards_figures(loanstream, trained):
    """One row a bundle, with its id; a folder stands beside the shipped ones."""
    folder, _ = trained
    listed = json.loads(loanstream("model", "list", folder, "--json").stdout)
    assert [one["named"] for one in listed] == [*BUNDLES, str(folder)]
    for one in listed:
        manifest = json.loads(bundle_files(one["named"])["manifest.json"])
        assert one["bundle_id"] == bundle_id_of(manifest)
        metrics = json.loads(bundle_files(one["named"])["card.json"])["metrics"]
        assert one["figures"] == {name: found["value"] for name, found in metrics.items()}
    assert max(map(len, loanstream("model", "list").stdout.splitlines())) <= 100


def test_a_card_is_shown_as_it_stands_in_the_bundle(loanstream):
    """For people the text, for programs manifest and card."""
    assert "Model card: default" in loanstream("model", "show", "default").stdout
    told = json.loads(loanstream("model", "show", "default", "--json").stdout)
    assert told["card"]["bundle_id"] == told["bundle_id"]


def test_two_bundles_are_held_against_each_other(loanstream, trained):
    """Their figures side by side and what they were made of; other data is said, for then figures do not compare."""
    told = json.loads(loanstream("model", "compare", "default", "paper", "--json", code=1).stdout)
    assert told["same_data"]
    assert not told["same"]
    by_name = {one["what"]: (one["a"], one["b"]) for one in told["differences"]}
    assert by_name["feature lti"] == ("used", None)
    assert by_name["trainer.params.max_depth"] == (3, 8)
    assert set(told["figures"]["auc"]) == {"a", "b"}
    folder, _ = trained
    assert "do not compare" in loanstream("model", "compare", "default", folder, code=1).stdout
    assert "nothing else differs" in loanstream("model", "compare", "paper", "paper").stdout


def test_a_bundle_that_is_what_it_says_passes_and_the_rest_is_said_to_be_open(loanstream, trained):
    """Without the data nothing is claimed of its training; with the data it is trained again."""
    folder, data = trained
    again = "trained again it is the same, byte for byte"
    assert claims(loanstream("model", "verify", folder, "--json").stdout)[again] is None
    assert all(claims(loanstream("model", "verify", folder, "--data", data, "--json").stdout).values())


@pytest.mark.parametrize("named", BUNDLES)
def test_every_shipped_bundle_verifies(loanstream, named):
    """Files, golden vectors and card belong together."""
    assert False not in claims(loanstream("model", "verify", named, "--json").stdout).values()


@pytest.mark.parametrize(
    ("file", "was", "becomes", "claim"),
    [
        ("model.ubj", b"L", b"M", "files, features and golden vectors"),
        ("golden.json", b"0x1", b"0x2", "files, features and golden vectors"),
        ("card.json", b'"bundle_id": "sha256:', b'"bundle_id": "sha256:0', "the card is this bundle's"),
    ],
)
def test_what_was_altered_fails_by_its_claim(loanstream, trained, file, was, becomes, claim):
    """Exit 1, and the claim that does not hold is named."""
    folder, _ = trained
    content = (folder / file).read_bytes()
    assert was in content
    (folder / file).write_bytes(content.replace(was, becomes, 1))
    told = claims(loanstream("model", "verify", folder, "--json", code=1).stdout)
    assert [name for name, ok in told.items() if ok is False] == [claim]


def test_a_card_whose_figure_was_edited_is_found_by_training_again(loanstream, trained):
    """A card is in no hash; the data prove it."""
    folder, data = trained
    card = json.loads((folder / "card.json").read_bytes())
    card["figures"]["auc"] = 0.999
    (folder / "card.json").write_text(json.dumps(card))
    said = loanstream("model", "verify", folder, "--data", data, code=1).stdout
    assert "card.json would be otherwise" in said


def test_other_data_are_told_before_anything_is_trained(loanstream, trained, sample_csv, tmp_path):
    """By their SHA-256, which the manifest names."""
    folder, _ = trained
    (tmp_path / "other.csv").write_bytes(sample_csv(300, 8))
    said = loanstream("model", "verify", folder, "--data", tmp_path / "other.csv", code=1).stdout
    assert "is not the file that the manifest names" in " ".join(said.split())


def test_a_folder_without_a_bundle_is_one_line(loanstream, tmp_path):
    """What is expected is said."""
    (line,) = loanstream("model", "show", tmp_path, code=1).stderr.splitlines()
    assert "expected default" in line


@pytest.fixture
def of_other_data(tmp_path, monkeypatch, loanstream):
    """The folder of a bundle of another data set, whose specification was inferred, and its file."""
    few = Setting("few", {"max_depth": 2, "learning_rate": 0.3}, 10)
    small = dataclasses.replace(EFFORTS[0], folds=2, repeats=1, inner=1, settings=(few,), parallel_trees=1)
    monkeypatch.setattr("training.learner.settings.EFFORTS", (small,))
    monkeypatch.setattr("training.report.of_table.report_of_table", lambda trained: b"of %d" % trained.card["rows"])
    lines = [f"{int(at % 7 + at % 3 > 5)},{at % 7},{'ab'[at % 2]},{at % 11}" for at in range(200)]
    (tmp_path / "cards.csv").write_text("\n".join(["BAD,LATE,KIND,AGE", *lines]))
    loanstream("train", "--data", tmp_path / "cards.csv", "--target", "BAD", "--out", tmp_path / "cards")
    return tmp_path / "cards", tmp_path / "cards.csv"


def test_bundles_of_other_data_are_listed_shown_compared_and_verified(loanstream, of_other_data):
    """Their figures stand under another key, and their encoders are checked; trained again, report and all are equal."""
    folder, data = of_other_data
    listed = json.loads(loanstream("model", "list", folder, "--json").stdout)[-1]
    assert listed["figures"]["auc"] == json.loads((folder / "card.json").read_bytes())["metrics"]["auc"]["value"]
    assert "Model card: cards" in loanstream("model", "show", folder).stdout
    told = json.loads(loanstream("model", "compare", folder, "default", "--json", code=1).stdout)
    assert {"kind", "positive.column", "feature LATE"} <= {one["what"] for one in told["differences"]}
    checked = claims(loanstream("model", "verify", folder, "--data", data, "--json").stdout)
    assert checked == dict.fromkeys(checked, True)
    assert "the report is of this training" in checked
    (folder / "report.html").write_bytes(b"another's")
    checked = claims(loanstream("model", "verify", folder, "--data", data, "--json", code=1).stdout)
    assert [claim for claim, ok in checked.items() if not ok] == ["the report is of this training"]
    (folder / "learned.json").write_bytes((folder / "learned.json").read_bytes() + b" ")
    assert "learned.json" in loanstream("model", "verify", folder, code=1).stdout


@pytest.mark.parametrize("kind", ["trained", "of_other_data"])
def test_a_report_is_written_for_a_bundle_that_has_none(loanstream, request, tmp_path, monkeypatch, kind):
    """With the file it was trained on, and no other: the same bytes that training would have written beside it."""
    folder, data = request.getfixturevalue(kind)
    monkeypatch.setattr("training.report.of_loans.report_of_loans", lambda made: b"of %d" % made.card.rows)
    loanstream("model", "report", folder, "--data", data, "--out", tmp_path / "r.html")
    assert (tmp_path / "r.html").read_bytes() == (b"of 300" if kind == "trained" else b"of 200")
    data.write_bytes(data.read_bytes() + b"\n")
    (*_, line) = loanstream("model", "report", folder, "--data", data, "--out", "r.html", code=1).stderr.splitlines()
    assert "is not the file that the manifest names" in line


def test_no_report_of_a_training_that_would_give_another_bundle(loanstream, trained, tmp_path):
    """Its figures would be another model's."""
    folder, data = trained
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "libraries": {}}))
    told = loanstream("model", "report", folder, "--data", data, "--out", tmp_path / "r.html", code=1)
    assert "it is another bundle here" in told.stderr
    assert not (tmp_path / "r.html").exists()
