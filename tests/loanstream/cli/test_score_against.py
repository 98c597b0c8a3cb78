"""A policy's author sees who would be decided otherwise, and by what, before anybody is."""

import json
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest

from loanstream.ask.flips import Comparison
from loanstream.cli import score_against
from loanstream.cli.score_against import tell_flips
from registry.named import policy_text
from scoring.policy_document import parse_policy

WIDE = 100


@pytest.fixture
def here(tmp_path, monkeypatch, sample_csv) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("loans.csv").write_bytes(sample_csv(300, 11))
    text = policy_text("standard").replace(
        "verification: not_provided, loan_above: 0", "verification: not_provided, loan_above: 9_000_000"
    )
    Path("a.yaml").write_text(text)
    Path("b.yaml").write_text(
        text.replace("approve: 0.7,", "approve: 0.9999,")
        .replace(
            "- {code: lti_above_limit, outcome: decline, feature: lti, above: 8}",
            '- {code: own_dear, text: "A loan of {value} [years] is dear.", outcome: decline, feature: lti, above: 3.2}',
        )
        .replace("size: 0.12", "size: 0.2")
    )
    return tmp_path


def decided(loanstream, policy):
    found = json.loads(loanstream("score", "loans.csv", "--policy", policy, "--json").stdout)
    return {one["application_id"]: one for one in found}


def test_a_rule_that_is_blind_under_the_bundle_is_told(loanstream, here):
    """What such a policy does not refer is seen before it decides about anybody; the decisions' basis says so, too."""
    text = Path("a.yaml").read_text()
    Path("blind.yaml").write_text(text.replace("beyond: [dependents,", "beyond: [dti, dependents,"))
    done = loanstream("score", "loans.csv", "--policy", "blind.yaml", "--json")
    assert "beyond the training data in dti" in done.stderr
    assert all("training_range_unknown" in one["basis"] for one in json.loads(done.stdout))
    done = loanstream("score", "loans.csv", "--policy", "a.yaml", "--against", "blind.yaml")
    assert done.stderr.count("beyond the training data in dti") == 1


def test_every_flip_is_one_and_no_other_is(loanstream, here):
    """The answer is what two runs of `score` give, held against each other."""
    a, b = (decided(loanstream, name) for name in ("a.yaml", "b.yaml"))
    found = json.loads(
        loanstream("score", "loans.csv", "--policy", "a.yaml", "--against", "b.yaml", "--json", code=1).stdout
    )
    otherwise = [one for one in a if a[one]["outcome"] != b[one]["outcome"]]
    assert [flip["application_id"] for flip in found["flips"]] == otherwise
    assert otherwise
    for flip in found["flips"]:
        for side, run in (("a", a), ("b", b)):
            assert flip[side]["outcome"] == run[flip["application_id"]]["outcome"]
            assert all(row in run[flip["application_id"]]["reasons"] for row in flip[side]["decided_by"])
    assert found["compared"] == len(a)
    assert found["flipped"] == len(otherwise)
    for was, row in found["counts"].items():
        for becomes, count in row.items():
            assert count == sum(a[one]["outcome"] == was and b[one]["outcome"] == becomes for one in a)


def test_each_flip_says_what_made_the_difference(loanstream, here):
    """The rule that is new, the penalty that is larger, or the band."""
    found = json.loads(
        loanstream("score", "loans.csv", "--policy", "a.yaml", "--against", "b.yaml", "--json", code=1).stdout
    )
    causes = {code for flip in found["flips"] for code in flip["causes"]}
    held_back = {"no_documents", "obligations_missing"}
    assert {"own_dear", "bands"} <= causes
    assert causes <= {"own_dear", "bands", "penalty_cibil_low", "lti_above_limit"} | held_back
    for flip in found["flips"]:
        if flip["causes"] == ["bands"]:
            assert flip["a"]["score"] == flip["b"]["score"]
        if "own_dear" in flip["causes"]:
            (row,) = [row for row in flip["b"]["decided_by"] if row["code"] == "own_dear"]
            assert row["text"] == f"A loan of {row['value']} [years] is dear."
    assert sum(row["count"] for row in found["causes"]) == sum(len(flip["causes"]) for flip in found["flips"])


def test_a_person_reads_counts_causes_and_the_first_flips(loanstream, here):
    """A table from A to B, then each application on a line that begins with its id; nothing is wider than a screen."""
    said = loanstream("score", "loans.csv", "--policy", "a.yaml", "--against", "b.yaml", code=1).stdout
    found = json.loads(
        loanstream("score", "loans.csv", "--policy", "a.yaml", "--against", "b.yaml", "--json", code=1).stdout
    )
    lines = said.splitlines()
    assert all(len(line) <= WIDE for line in lines)
    (row,) = [line.split() for line in lines if line.startswith("approve  ")]
    assert row[1:4] == [str(found["counts"]["approve"][to]) for to in ("approve", "refer", "decline")]
    for flip in found["flips"][: score_against.SHOWN]:
        assert f"{flip['application_id']}  {flip['a']['outcome']} -> {flip['b']['outcome']}" in lines
    assert f"{found['flipped']} of 300 applications decided otherwise" in said
    assert "[years] is dear." in said


def test_a_policy_against_itself_flips_nobody(loanstream, here):
    """Exit code 0: nobody is decided otherwise, and every line was read."""
    said = loanstream("score", "loans.csv", "--policy", "a.yaml", "--against", "a.yaml").stdout
    assert said.endswith("0 of 300 applications decided otherwise\n")
    found = json.loads(loanstream("score", "loans.csv", "--against", "standard", "--json").stdout)
    assert found["flips"] == []


def test_a_line_that_cannot_be_read_is_told_and_the_rest_compared(loanstream, here):
    """One line of stderr for each fault, exit code 1, and the number of lines that were left out."""
    lines = Path("loans.csv").read_text().splitlines()
    cells = lines[5].split(",")
    cells[1], cells[7] = " many", "7800"
    lines[5] = ",".join(cells)
    Path("loans.csv").write_text("\n".join(lines))
    done = loanstream("score", "loans.csv", "--policy", "a.yaml", "--against", "a.yaml", "--json", code=1)
    assert len(done.stderr.splitlines()) == 2
    assert all(line.startswith("line 6, ") for line in done.stderr.splitlines())
    assert {name: json.loads(done.stdout)[name] for name in ("compared", "refused")} == {"compared": 299, "refused": 1}


@pytest.mark.parametrize("arguments", [("loans.csv", "--against", "nothing"), ("nothing.csv", "--against", "a.yaml")])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_is_not_there_is_told_before_any_answer(loanstream, here, arguments, form):
    """One line on stderr, nothing on stdout."""
    done = loanstream("score", *arguments, *form, code=1)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_the_longest_id_is_not_broken(loanstream, here):
    """An id of 64 characters can be copied from its line."""
    lines = Path("loans.csv").read_text().splitlines()
    ids = [("x" * 60 + f"{at:04}") for at in range(1, len(lines))]
    body = [",".join([one, *line.split(",")[1:]]) for one, line in zip(ids, lines[1:], strict=True)]
    Path("loans.csv").write_text("\n".join([lines[0], *body]))
    said = loanstream("score", "loans.csv", "--policy", "a.yaml", "--against", "b.yaml", code=1).stdout
    shown = [line.split()[0] for line in said.splitlines() if line.startswith("x")]
    assert shown
    assert set(shown) <= set(ids)
    assert all(len(line) <= WIDE for line in said.splitlines())


class Decides:
    """A scorer by which everybody has one outcome, for a reason of ten thousand characters of its own."""

    policy = parse_policy(policy_text("standard"))

    def __init__(self, outcome):
        self.outcome = outcome

    def decide(self, batch, keys, code_version):
        return [self.decision(number) for number in batch]

    def decision(self, number):
        reason = {"code": "own_long", "text": f"{number:010000}", "points": None, "decisive": True, "value": None}
        ids = {"application_id": str(number), "revision": 1, "outcome": self.outcome}
        return ids | {"score_final": 0.5, "penalties": [], "reasons": [reason]}


@pytest.mark.parametrize("as_json", [False, True])
def test_a_large_file_takes_no_more_memory_than_a_small_one(monkeypatch, as_json):
    """What is held is one batch and what a screen shows, however many applications flip."""
    written = []
    monkeypatch.setattr("sys.stdout", SimpleNamespace(write=lambda text: written.append(len(text)), flush=lambda: None))
    monkeypatch.setattr(score_against, "emit", lambda _, text, **__: written.append(len(text)))
    comparison = Comparison(Decides("approve"), Decides("refer"), key=None, code_version="test")
    batches = ([10 * batch + place for place in range(10)] for batch in range(300))
    tracemalloc.start()
    code = tell_flips(comparison, batches, ("a", "b"), score_against.Refused(), as_json=as_json)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert code == 1
    assert comparison.flipped == 3_000
    assert sum(written) > (3_000 if as_json else score_against.SHOWN) * 10_000
    assert most < 300 * 10_000
