"""Keys: files made once, or what a secret store hands over."""

import json
import stat
from dataclasses import astuple
from pathlib import Path

import pytest

from schemas.problem import Problem
from stores.keys import PARTS, RECEIPTS, GivenKeys, KeyFiles, column_key_of, tenant_keys_of


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "keys")


def test_keys_are_made_once(files: KeyFiles) -> None:
    """A tenant's keys and the warehouse's are the same at every start, and another tenant's differ."""
    first = files.make_tenant("bank-a")
    assert files.make_tenant("bank-a") == first == files.tenant("bank-a")
    assert len(first.receipt_key) == len(first.document_key) == 32
    assert first.receipt_key != files.make_tenant("bank-b").receipt_key
    assert files.make_column() == files.make_column() == files.column()


def test_the_embedded_warehouse_has_its_passwords_beside_its_key(files: KeyFiles) -> None:
    """They are made with the column key, once; an installation of yours has the key alone."""
    made = files.make_passwords()
    assert files.make_passwords() == made == files.passwords()
    assert files.make_column() == files.column()
    assert files.passwords() == made
    other = KeyFiles(files.directory.with_name("other"))
    other.make_column()
    assert json.loads((other.directory / "warehouse.json").read_text()).keys() == {"column_id", "column_key"}


def test_keys_are_for_their_owner_alone(files: KeyFiles) -> None:
    """The keys' directory is 0700, each file 0600, and no repr shows a key."""
    made = files.make_tenant("bank-a")
    assert stat.S_IMODE(files.directory.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files.directory.rglob("*") if path.is_file()}
    parts = {stat.S_IMODE(path.stat().st_mode) for path in files.directory.iterdir() if path.is_dir()}
    assert (modes, parts) == ({0o600}, {0o700})
    assert "receipt_key" not in repr(made)
    assert "password" not in repr(files.make_passwords())
    assert "column_key" not in repr(files.column())


def test_a_worker_makes_no_keys(files: KeyFiles) -> None:
    """Keys that are not there are an error, not new keys; the line names the file that is expected."""
    with pytest.raises(Problem, match=r"no keys for tenant bank-a in .*tenant-bank-a\.json"):
        files.tenant("bank-a")
    with pytest.raises(Problem, match=r"no warehouse keys in .*warehouse\.json"):
        files.column()
    assert files.missing(["bank-a"], column=True) == ["tenant-bank-a.json", "warehouse.json"]
    assert files.missing([], column=False) == []
    assert not files.directory.exists()


@pytest.mark.parametrize(
    "damaged", ['{"receipt_key": "secret-zz"}', "secret", "[]", '{"receipt_id": "secret"', '{"receipt_id": 1}']
)
def test_damaged_keys_are_not_replaced(files: KeyFiles, damaged: str) -> None:
    """A damaged key file stops the start without showing what it holds; new keys would orphan old receipts."""
    files.directory.mkdir()
    (files.directory / "tenant-bank-a.json").write_text(damaged)
    with pytest.raises(Problem, match="does not hold keys") as caught:
        files.make_tenant("bank-a")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert (files.directory / "tenant-bank-a.json").read_text() == damaged


def test_a_key_of_another_length_is_none(files: KeyFiles) -> None:
    """A key cut short by a copy is told at the start, not by the first receipt."""
    files.make_tenant("bank-a")
    path = files.directory / "tenant-bank-a.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps(found | {"receipt_key": found["receipt_key"][:-2]}))
    with pytest.raises(Problem, match="does not hold keys"):
        files.tenant("bank-a")


def test_keys_may_come_from_a_secret_store(files: KeyFiles) -> None:
    """What a key file holds may be handed over as text; files serve what is not handed over."""
    tenant, column = files.make_tenant("bank-a"), files.make_column()
    text = (files.directory / "tenant-bank-a.json").read_text()
    given = tenant_keys_of({"bank-a": json.loads(text)})
    columns = column_key_of(json.loads((files.directory / "warehouse.json").read_text()))
    nowhere = KeyFiles(files.directory / "nowhere")
    both = GivenKeys(given, columns, lambda: nowhere)
    assert (both.tenant("bank-a"), both.column()) == (tenant, column)
    with pytest.raises(Problem, match="no keys for tenant bank-b"):
        both.tenant("bank-b")
    neither = GivenKeys(None, None, lambda: files)
    assert (neither.tenant("bank-a"), neither.column()) == (tenant, column)


def test_a_key_file_whose_parts_are_missing_is_named(files: KeyFiles) -> None:
    """Whoever was killed between the two is told by the next run, and the parts follow."""
    files.make_tenant("bank-a")
    assert files.without_parts(["bank-a", "bank-b"]) == []
    (files.directory / RECEIPTS / "tenant-bank-a.json").unlink()
    assert files.without_parts(["bank-a", "bank-b"]) == ["tenant-bank-a.json"]
    files.make_tenant("bank-a")
    assert files.without_parts(["bank-a"]) == []


def test_the_gateway_reads_no_receipt_key(files: KeyFiles) -> None:
    """The gateway needs the documents' key alone: a file without a receipt key is enough for it, and for nobody else."""
    whole = files.make_tenant("bank-a")
    path = files.directory / "tenant-bank-a.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps({name: text for name, text in found.items() if name.startswith("document")}))
    door = files.door("bank-a")
    assert (door.document_id, door.document_key) == (whole.document_id, whole.document_key)
    assert not any("receipt" in name for name in dir(door))
    with pytest.raises(Problem, match="does not hold keys"):
        files.tenant("bank-a")


def test_each_part_lies_where_its_process_finds_it_and_holds_nothing_else(files: KeyFiles) -> None:
    """A reader of documents is handed no receipt key, a scorer no document key, and who records no password."""
    whole, passwords = files.make_tenant("bank-a"), files.make_passwords()
    documents, receipts, columns = (KeyFiles(files.directory / part) for part in PARTS)
    assert documents.door("bank-a").document_key == whole.document_key
    assert receipts.receipt("bank-a").receipt_key == whole.receipt_key
    assert columns.column() == files.column()
    held = {part: (files.directory / part).rglob("*") for part in PARTS}
    texts = {part: "".join(path.read_text() for path in paths) for part, paths in held.items()}
    never = {
        "documents": (whole.receipt_key.hex(), files.column().column_key.hex()),
        "receipts": (whole.document_key.hex(), files.column().column_key.hex()),
        "columns": (whole.receipt_key.hex(), whole.document_key.hex(), *astuple(passwords)),
    }
    assert not any(secret in texts[part] for part, secrets in never.items() for secret in secrets)
    for files_of_a_part, ask in ((documents, "receipt"), (receipts, "door"), (documents, "tenant")):
        with pytest.raises(Problem, match="does not hold keys"):
            getattr(files_of_a_part, ask)("bank-a")


def test_parts_follow_their_key_file(files: KeyFiles) -> None:
    """A start puts right what is missing or of other keys: of a state of before, and of banks that are not served now."""
    files.make_tenant("bank-a")
    parts = [files.directory / part / "tenant-bank-a.json" for part in ("documents", "receipts")]
    before = [path.read_bytes() for path in parts]
    parts[0].unlink()
    parts[1].write_text("{}")
    files.part_all()
    assert [path.read_bytes() for path in parts] == before


def test_what_a_store_of_secrets_hands_over_is_read_by_parts_too(files: KeyFiles) -> None:
    """A scorer asks for the receipt key alone, wherever keys come from."""
    made = files.make_tenant("bank-a")
    given = GivenKeys({"bank-a": made}, None, lambda: files)
    assert given.receipt("bank-a") == files.receipt("bank-a") == GivenKeys(None, None, lambda: files).receipt("bank-a")
    assert "receipt_key" not in repr(given.receipt("bank-a"))


def test_every_key_file_has_a_claims_key(files: KeyFiles) -> None:
    """The claims' key follows from the documents' key, of files made before there was a gateway, too."""
    given = GivenKeys(
        tenant_keys_of(
            {
                "bank-a": dict.fromkeys(("receipt_id", "document_id"), "id")
                | dict.fromkeys(("receipt_key", "document_key"), "07" * 32)
            }
        ),
        None,
        lambda: files,
    )
    door = given.door("bank-a")
    assert door.claims_key.hex() == "5ff2044e85b7cd95d2270337d3b4311a2641a23c07a91f1ad936a6a69a094dc0"
    assert door.claims_key != door.document_key
    assert "07" not in repr(door)
    files.make_tenant("bank-b")
    assert files.door("bank-b").claims_key != files.door("bank-b").document_key
