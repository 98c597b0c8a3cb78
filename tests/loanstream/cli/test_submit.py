"""What `loanstream submit` says about a file and its documents, without a broker."""

import json
from pathlib import Path

import pytest

from loanstream.cli.main import main
from loanstream.cli.submit import send, submit_file
from loanstream.installation import Installation
from loanstream.settings import load
from producers.forms import COLUMNS
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
    assert (tally.refused, len(tally.documents), len(sent)) == (2, 0, 1)
    assert len(capsys.readouterr().err.splitlines()) == 6


def test_documents_are_found_by_their_names_and_counted(application, tmp_path):
    """A document in the folder is stored for the bank, and named by the application that is sent."""
    (tmp_path / "example-0001.payslip.pdf").write_bytes(b"%PDF")
    sent, stored = Sent(), []
    tally = send([application], sent, lambda tenant, data: stored.append((tenant, data)), tmp_path, "")
    assert tally.documents == {tmp_path / "example-0001.payslip.pdf"}
    assert stored == [("bank-a", b"%PDF")]
    assert [document.kind for document in sent[0].documents] == ["payslip"]


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "it is empty"), (b"hi", "neither a PDF nor a picture"), (b"%PDF", None), (b"\x89PNG\r\n", None)],
)
def test_a_document_of_which_nothing_will_be_read_is_told_at_once(application, tmp_path, capsys, data, said):
    """It is stored, since it is what the bank has; and the bank hears of it before the application is referred."""
    path = tmp_path / "example-0001.payslip.pdf"
    path.write_bytes(data)
    stored = []
    send([application], Sent(), lambda _, data: stored.append(data), tmp_path, "")
    told = capsys.readouterr().err.splitlines()
    assert stored == [data]
    assert len(told) == (said is not None)
    assert said is None or (path.name in told[0] and said in told[0])


def test_documents_of_nobody_are_told_before_a_person_has_to_look(application, tmp_path):
    """Without a name nothing ties a document to its applicant, and whoever sends it hears so at once."""
    (tmp_path / "example-0001.payslip.pdf").write_bytes(b"%PDF")
    person = application.applicant
    for name, documents, told in (("Asha Rao", tmp_path, None), (None, None, None), (None, tmp_path, "1 application ")):
        one = application.model_copy(update={"applicant": person.model_copy(update={"name": name})})
        said = send([one], Sent(), lambda *_: None, documents, "").nobodys
        assert said == told or said.startswith(told)


def test_a_line_of_many_rows_counts_them_all(application):
    """What an open quote swallowed is counted line by line."""
    assert send([LineError(3, None, "an end", last=7)], Sent(), lambda *_: None, None, "").refused == 5


def test_ids_that_repeat_are_told_with_what_follows(application):
    """The same application twice is harmless; two different ones under one id and revision will be a conflict."""
    other = application.model_copy(update={"annual_income": application.annual_income + 1})
    again = application.model_copy(update={"revision": 2})
    tally = send([application, application, again], Sent(), lambda *_: None, None, "")
    assert str(tally.repeats) == "the same application stands there more than once: example-0001"
    tally = send([application, other], Sent(), lambda *_: None, None, "")
    assert str(tally.repeats).startswith("under one id and revision there are different applications: example-0001;")
    assert str(send([application, again], Sent(), lambda *_: None, None, "").repeats) == ""


def test_the_columns_are_printed_without_a_file(capsys):
    """`submit --columns` says each column, whether it must be there, and what stands in it."""
    assert main(["submit", "--columns", "--json"]) == 0
    rows = {row["column"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["income_annum or annual_income"]["need"] == "required"
    assert rows["cibil_score"]["expected"] == "an integer from 300 to 900"
    assert {name for row in rows for name in row.split(" or ")} == set(COLUMNS)


def test_a_refused_file_is_no_refused_line():
    """Whoever counts what to send again counts lines; of a refused file none was read."""
    tally = send([LineError(1, None, "commas between the columns", of_file=True)], Sent(), lambda *_: None, None, "")
    assert (tally.refused, tally.file_refused) == (0, True)
    tally = send([LineError(3, "currency", "three letters")], Sent(), lambda *_: None, None, "")
    assert (tally.refused, tally.file_refused) == (1, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["submit", "--id-prefix", "Q1/"], "--id-prefix 'Q1/'"),
        (["submit", "--id-prefix", "x" * 64], "--id-prefix 'xxxx"),
        (["submit", "--currency", "inr"], "--currency 'inr': expected three capital letters, such as INR"),
        (["submit", "--currency", " INR"], "--currency ' INR': expected three capital letters"),
        (["submit", "--currency", ""], "--currency '': expected three capital letters"),
        (["score", "--currency", "rupees"], "--currency 'rupees': expected three capital letters"),
        (["score", "--tenant", "Bank A"], "--tenant 'Bank A': expected a bank's name"),
    ],
)
def test_a_faulty_option_is_told_as_the_option(arguments, said, capsys):
    """In one line, before the file is looked at: its lines are not to blame."""
    verb, *options = arguments
    assert main([verb, str(EXAMPLE), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"loanstream: {said}")
