"""`loanstream score` decides without documents, and says so of applications that name some."""

import json
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[3] / "schemas" / "examples" / "loan.application.submitted.json"


@pytest.fixture
def file(tmp_path):
    """A file of applications, of which the first so many name documents."""
    application = json.loads(EXAMPLE.read_text())
    documents = [{"kind": "payslip", "sha256": "ab" * 32, "media_type": "application/pdf", "size": 7}]

    def written(with_documents, of=3):
        path = tmp_path / "applications.jsonl"
        lines = [
            json.dumps(
                application | {"application_id": f"a-{at}", "documents": documents if at < with_documents else []}
            )
            for at in range(of)
        ]
        path.write_text("\n".join(lines))
        return path

    return written


@pytest.mark.parametrize("against", [(), ("--against", "standard")])
@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize(
    ("how_many", "says"),
    [
        (0, ""),
        (1, "1 application names documents; score decides without them\n"),
        (2, "2 applications name documents; score decides without them\n"),
    ],
)
def test_documents_that_are_left_out_are_told(loanstream, file, against, as_json, how_many, says):
    """Nobody takes `no document supports the claims` for what the stack would say; the answer on stdout stays one."""
    done = loanstream("score", file(how_many), *against, *as_json)
    assert done.stderr == says
    if as_json:
        json.loads(done.stdout)


def test_the_help_says_it(loanstream):
    """Before anybody wonders."""
    assert "It decides without documents" in " ".join(loanstream("score", "--help").stdout.split())
