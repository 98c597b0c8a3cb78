"""`loanstream study`: one value, files that say the same, a policy that can be used, and faults in one line."""

import csv
import json

import pytest

OPTIONS = ("--quick", "--gain", "2", "--loss", "8", "--review", "0.4")


@pytest.fixture(scope="module")
def loans(tmp_path_factory, sample_csv):
    file = tmp_path_factory.mktemp("loans") / "loans.csv"
    file.write_bytes(sample_csv(200, 7))
    return file


def test_a_study_is_one_value_and_files_that_say_the_same(loanstream, loans, tmp_path):
    """What is done is told on stderr, the answer is one JSON value, and Markdown and CSV hold its figures."""
    done = loanstream("study", "--data", loans, "--out", tmp_path / "result", "--json", *OPTIONS)
    found = json.loads(done.stdout)
    assert json.loads((tmp_path / "result" / "study.json").read_text()) == found
    assert "random forest: 1 x 3 folds" in done.stderr
    assert found["data"]["rows"] == 200
    assert found["threshold"]["bands"] == {"approve": 0.95, "decline": 0.2}
    rows = list(csv.DictReader((tmp_path / "result" / "study.csv").open()))
    of = {(row["part"], row["row"], row["figure"]): row["value"] for row in rows if not row["column"]}
    for name, figures in found["figures"].items():
        assert float(of["figures", name, "auc"]) == figures["auc"]["value"]
    said = (tmp_path / "result" / "study.md").read_text()
    assert all(f"| {name} |" in said for name in found["contenders"])
    # Of the paper's data alone is anything said of the paper's figures.
    assert "Table II" not in said
    assert "4,269" not in said
    assert loanstream("policy", "check", tmp_path / "result" / "from-costs.yaml").stdout.startswith("good: ")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--gain", "0"), "gain: expected a number above 0"),
        (("--loss", "nan"), "loss: expected a number above 0"),
        (("--out", "LOANS"), "is a file; expected a folder for the result"),
        (("--data", "absent.csv"), "no loan data at absent.csv"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_studied(loanstream, loans, options, says):
    """One line, and nobody waits for it."""
    given = [str(loans) if option == "LOANS" else option for option in options]
    done = loanstream("study", "--data", loans, "--quick", *given, code=1)
    (line,) = done.stderr.splitlines()
    assert says in line
