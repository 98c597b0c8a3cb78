"""What `loanstream submit` says about a file and its documents, without a broker."""

from pathlib import Path

import pytest

from loanstream.cli.submit import send, submit_file
from loanstream.installation import Installation
from loanstream.settings import load
from producers.lines import LineError
from schemas.application import LoanApplication
from schemas.decode import decode
from schemas.problem import Problem

EXAMPLE = Path(__file__).resolve().parents[3] / "schemas" / "examples" / "loan.application.submitted.json"


class Sent(list):
    """Stands in for the producer."""

    submit = list.append


@pytest.fixture
def application():
    return decode(LoanApplication, EXAMPLE.read_bytes())


def test_a_missing_folder_of_documents_stops_before_anything_is_sent(tmp_path):
    """One line names the option and what belongs into the folder."""
    installation = Installation(load({"LOANSTREAM_TENANTS": "bank-a"}))
    with pytest.raises(Problem, match=r"--documents .*nowhere: expected a folder .*<application id>\.<kind>\.pdf"):
        submit_file(installation, EXAMPLE, None, "INR", tmp_path / "nowhere", "", as_json=True)


def test_a_line_with_many_faults_is_one_refused_line(application, capsys):
    """Every fault is told, lines are counted."""
    faults = [LineError(number, field, "a value") for number in (1, 3) for field in ("a", "b", "c")]
    sent = Sent()
    tally = send([*faults, application], sent, lambda *_: None, None, "")
    assert (tally.refused, tally.documents, len(sent)) == (2, 0, 1)
    assert len(capsys.readouterr().err.splitlines()) == 6


def test_documents_are_found_by_their_names_and_counted(application, tmp_path):
    """A document in the folder is stored for the bank, and named by the application that is sent."""
    (tmp_path / "example-0001.payslip.pdf").write_bytes(b"%PDF")
    sent, stored = Sent(), []
    tally = send([application], sent, lambda tenant, data: stored.append((tenant, data)), tmp_path, "")
    assert (tally.documents, stored) == (1, [("bank-a", b"%PDF")])
    assert [document.kind for document in sent[0].documents] == ["payslip"]
