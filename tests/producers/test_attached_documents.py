from datetime import UTC, datetime
from hashlib import sha256

import pytest

from producers.documents import attach_documents, reference_of, unclaimed
from producers.synthetic.applications import Shares, synthesise
from schemas.application import DOCUMENTS_MAX

SHARES = Shares(repeated=0, documents=0, inflated=0, broken=0)
(APPLICATION,) = [item.application for item in synthesise(1, 1, "bank-a", SHARES, datetime(2026, 11, 2, tzinfo=UTC))]


@pytest.mark.parametrize("layout", ["syn-000001.{}.pdf", "syn-000001/{}.pdf"])
def test_documents_are_found_by_name(tmp_path, layout):
    """Files named by application and kind, side by side or in a folder of their own, are attached with their hash."""
    for kind, data in (("payslip", b"slip"), ("payslip.2", b"slip two"), ("bank_statement", b"statement")):
        path = tmp_path / layout.format(kind)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    attached, documents = attach_documents(APPLICATION, tmp_path)
    found = [(document.kind, document.data) for document in documents]
    assert found == [("payslip", b"slip"), ("payslip", b"slip two"), ("bank_statement", b"statement")]
    assert [ref.sha256 for ref in attached.documents] == [sha256(data).hexdigest() for _, data in found]
    assert [ref.size for ref in attached.documents] == [4, 8, 9]
    assert attached.model_copy(update={"documents": ()}) == APPLICATION


def test_other_applications_documents_stay_theirs(tmp_path):
    """Neither an id that begins alike nor an unknown kind is taken."""
    for name in ("syn-0000012.payslip.pdf", "syn-000001.2.payslip.pdf", "syn-000001.selfie.pdf", "x.payslip.pdf"):
        (tmp_path / name).write_bytes(b"data")
    assert attach_documents(APPLICATION, tmp_path) == (APPLICATION, [])


@pytest.mark.parametrize("own_id", [".", ".."])
def test_an_id_of_dots_does_not_leave_the_folder(tmp_path, own_id):
    """An application called ".." gets nothing from the folder above."""
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "payslip.pdf").write_bytes(b"above")
    (folder / "payslip.pdf").write_bytes(b"here")
    application = APPLICATION.model_copy(update={"application_id": own_id})
    assert attach_documents(application, folder)[1] == []


def test_the_prefix_is_not_in_the_files_names(tmp_path):
    """Files keep the id of the bank's own file when a prefix is put before the ids."""
    (tmp_path / "17.payslip.pdf").write_bytes(b"slip")
    application = APPLICATION.model_copy(update={"application_id": "pub-17"})
    assert attach_documents(application, tmp_path)[1] == []
    (document,) = attach_documents(application, tmp_path, "pub-")[1]
    assert (document.kind, document.data) == ("payslip", b"slip")


def test_what_is_named_already_is_not_named_twice(tmp_path):
    """Attaching twice names a document once."""
    (tmp_path / "syn-000001.payslip.pdf").write_bytes(b"slip")
    once, _ = attach_documents(APPLICATION, tmp_path)
    twice, documents = attach_documents(once, tmp_path)
    assert twice == once
    assert len(documents) == 1


def test_a_document_that_is_named_with_another_size_is_not_sent(tmp_path):
    """Whoever sends it hears which field is wrong, before a person is asked to look at an unread document."""
    (tmp_path / "syn-000001.payslip.pdf").write_bytes(b"slip")
    once, _ = attach_documents(APPLICATION, tmp_path)
    wrong = (once.documents[0].model_copy(update={"size": 40_000}),)
    with pytest.raises(ValueError, match=r"syn-000001: documents\.0\.size: expected 4, the document's length in bytes"):
        attach_documents(once.model_copy(update={"documents": wrong}), tmp_path)


def test_too_many_documents_are_refused(tmp_path):
    """An application takes twenty documents."""
    for number in range(1, DOCUMENTS_MAX + 2):
        name = "syn-000001.other.pdf" if number == 1 else f"syn-000001.other.{number}.pdf"
        (tmp_path / name).write_bytes(bytes([number]))
    with pytest.raises(ValueError, match="syn-000001: expected at most 20, found 21"):
        attach_documents(APPLICATION, tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("syn-000001.pay-slip.pdf", "expected <application id>.<kind>.pdf, kind payslip"),
        ("syn-000001.Bank_Statement.pdf", "expected <application id>.<kind>.pdf, kind bank_statement"),
        ("syn-000001.selfie.pdf", "expected <application id>.<kind>.pdf, kind one of payslip, "),
        ("syn-000001.payslip.PDF", "expected a name that ends in .pdf"),
        ("syn-000001.payslip.png", "expected a name that ends in .pdf"),
        ("syn-000002.payslip.pdf", "no application of the file has that id"),
        ("syn-000001.payslip.3.pdf", "no such application, or a number left out"),
        ("syn-000001/pay slip.pdf", "expected <application id>.<kind>.pdf, kind payslip"),
        ("syn-000009/payslip.pdf", "no application of the file has that id"),
    ],
)
def test_a_document_that_nothing_asks_for_is_named(tmp_path, name, said):
    """A misnamed document is no silent loss: it is told with what keeps it from being found."""
    for file in ("syn-000001.payslip.pdf", name):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"slip")
    taken = [document.path for document in attach_documents(APPLICATION, tmp_path)[1]]
    (told,) = unclaimed(tmp_path, taken)
    assert told.startswith(f"{name}: {said}")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"\r\n%PDF-1.4", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"II*\x00", "image/tiff"),
    ],
)
def test_a_reference_says_what_the_bytes_are(data, media_type):
    """The reference that an application needs is whole: kind, hash, media type, size."""
    reference = reference_of("identity", data)
    assert reference.model_dump() == {
        "kind": "identity", "sha256": sha256(data).hexdigest(), "media_type": media_type, "size": len(data)
    }  # fmt: skip
