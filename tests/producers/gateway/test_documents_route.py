"""POST /v1/documents."""

import hashlib
import threading

import pytest

from producers.gateway import shelf

PDF = b"%PDF-1.7\n" + b"a payslip" * 50
AS_PDF = {"Content-Type": "application/pdf"}


def stored(door, data=PDF, kind="payslip", headers=AS_PDF, **named):
    return door.ask("POST", f"/v1/documents?kind={kind}", content=data, headers=headers, **named)


def test_a_stored_document_is_answered_with_the_reference_that_an_application_needs(door):
    """A bank puts the answer into its application as it is."""
    answer = stored(door)
    sha256 = hashlib.sha256(PDF).hexdigest()
    assert answer.status_code == 201
    assert answer.json() == {"kind": "payslip", "sha256": sha256, "media_type": "application/pdf", "size": len(PDF)}
    assert door.documents.get("bank-a", sha256) == PDF
    assert PDF not in door.blobs.objects[f"bank-a/{sha256}"]


def test_the_bank_is_the_token_s_whatever_the_request_says(door):
    """Nobody stores into another bank's part of the store by naming it."""
    for where in ("&tenant=bank-b", "&bank=bank-b", "&kind=other&tenant=bank-b"):
        answer = door.ask(
            "POST", f"/v1/documents?kind=payslip{where}", content=PDF, headers={**AS_PDF, "X-Tenant": "bank-b"}
        )
        assert answer.status_code == 201
    assert {name.partition("/")[0] for name in door.blobs.objects} == {"bank-a"}


@pytest.mark.parametrize(
    "kind", ["../bank-b", "payslip/../../bank-b", "..%2f..%2fetc%2fpasswd", "", "PAYSLIP", "a" * 9999]
)
def test_a_kind_is_one_of_the_list_and_never_a_path(door, kind):
    """What a document is called leads nowhere in the store."""
    answer = stored(door, kind=kind)
    assert answer.status_code == 400
    (fault,) = answer.json()["errors"]
    assert fault["field"] == "query.kind"
    assert len(fault.get("found", "")) <= 200
    assert door.blobs.objects == {}


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({}, PDF, 415),
        ({"Content-Type": "text/html"}, PDF, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        (AS_PDF, b"", 422),
        (AS_PDF, b"<html>", 422),
        (AS_PDF, b"\x89PNG\r\n\x1a\n", 422),
        ({"Content-Type": "image/png"}, PDF, 422),
        ({"Content-Type": "image/png"}, b"\x89PNG\r\n\x1a\n", 201),
        ({"Content-Type": "image/jpeg"}, b"\xff\xd8\xff\xe0", 201),
        ({"Content-Type": "Application/PDF; version=1.7"}, b"\n%PDF-1.4", 201),
    ],
)
def test_what_is_stored_is_what_it_is_said_to_be(door, headers, data, status):
    """A page of errors saved as a payslip is refused now, not met by a person later."""
    answer = stored(door, data, headers=headers)
    assert answer.status_code == status
    assert len(door.blobs.objects) == (status == 201)


def test_a_store_that_is_away_accepts_nothing_and_says_when_to_come_again(door):
    """503 with Retry-After, as the broker's absence is told."""
    door.blobs.down = True
    answer = stored(door)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["type"] == "urn:loanstream:problem:unavailable"
    door.blobs.down = False
    assert stored(door).status_code == 201


def test_a_store_that_hangs_keeps_nobody_waiting_for_ever(door):
    """A network mount that does not answer is a store that is away; other paths go on."""
    hung = threading.Event()
    door.documents.put = lambda *_: hung.wait(20)
    door.app.state.shelf = shelf.Shelf(door.parts(), within_s=0.05)
    try:
        assert stored(door).status_code == 503
        assert door.ask("GET", "/healthz").status_code == 200
    finally:
        hung.set()


def test_a_bank_without_a_key_is_our_fault_and_says_nothing_of_keys(door):
    """A setting that is missing is told to the operator; the bank comes again."""
    door.documents._keys = {}
    answer = stored(door)
    assert answer.status_code == 503
    assert "key" not in answer.text


def test_one_client_s_uploads_leave_room_for_others(door):
    """As many documents at once as memory has room for, and of one client a quarter of them."""
    caller = door.run(door.verifier.caller(door.provider.token()))
    shelf_of = door.app.state.shelf
    held = [shelf_of.upload(caller) for _ in range(shelf.AT_ONCE_OF_A_CLIENT)]
    for one in held:
        one.__enter__()
    refused = stored(door)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    other = door.provider.token(client_id="bank-b-producer", sub="bank-b-producer", tenant="bank-b")
    assert stored(door, token=other).status_code == 201
    for one in held:
        one.__exit__(None, None, None)
    assert stored(door).status_code == 201


def test_it_needs_the_scope(door):
    """A client that only reads decisions stores nothing."""
    answer = stored(door, token=door.provider.token(scope="decisions:read"))
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert door.blobs.objects == {}
