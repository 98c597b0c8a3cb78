"""The embedded stack's certificates."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from loanstream.stack.pki import LEAF_DAYS, LEAVES, RENEWED_BEFORE_END_DAYS, SERVER, Pki


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    made = Pki(tmp_path / "keys", tmp_path / "tls")
    made.make()
    return made


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def files(pki: Pki) -> dict[Path, bytes]:
    return {path: path.read_bytes() for folder in (pki.keys, pki.tls) for path in folder.iterdir()}


def test_every_principal_has_a_certificate_of_the_ca(pki: Pki) -> None:
    """Broker, servers, operator and each stage have a leaf whose common name is theirs, signed by the one CA."""
    ca = certificate(pki.ca)
    assert {
        "broker",
        "auth",
        "gateway",
        "platform-admin",
        "stage-verify",
        "stage-verify-slow",
        "stage-score",
        "stage-record",
    } == set(LEAVES)
    for name, uses in LEAVES.items():
        leaf = certificate(pki.leaf(name))
        leaf.verify_directly_issued_by(ca)
        assert [part.value for part in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [name]
        assert load_pem_private_key(pki.leaf(name).read_bytes(), None).public_key() == leaf.public_key()
        assert tuple(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == uses


def test_servers_answer_on_this_machine_alone(pki: Pki) -> None:
    """A server's certificate names localhost and 127.0.0.1; a client's names no host, so it serves nowhere."""
    for name, uses in LEAVES.items():
        names = [
            found.value
            for found in certificate(pki.leaf(name)).extensions
            if found.oid == x509.SubjectAlternativeName.oid
        ]
        if SERVER in uses:
            assert names[0].get_values_for_type(x509.DNSName) == ["localhost"]
            assert [str(found) for found in names[0].get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
        else:
            assert names == []


def test_private_keys_are_for_their_owner_alone(pki: Pki) -> None:
    """Each file with a key is 0600 in the directory of keys, and the public one holds none."""
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in pki.keys.iterdir())
    assert stat.S_IMODE(pki.keys.stat().st_mode) == 0o700
    assert b"PRIVATE" not in pki.ca.read_bytes()
    assert stat.S_IMODE(pki.ca.stat().st_mode) == 0o644


def test_a_start_puts_modes_right(pki: Pki) -> None:
    """A directory of keys that is open to others, as one restored from a copy, is closed; what is public can be read."""
    before = files(pki)
    pki.keys.chmod(0o755)
    pki.ca.chmod(0o600)
    pki.make()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (pki.keys, pki.ca)] == [0o700, 0o644]
    assert files(pki) == before


def test_a_second_start_changes_nothing(pki: Pki) -> None:
    """What is there and good stays, byte for byte."""
    before = files(pki)
    pki.make()
    assert files(pki) == before


def test_a_certificate_near_its_end_is_renewed(pki: Pki) -> None:
    """A start within the last months of a leaf makes a new one, of the same CA."""
    before = files(pki)
    later = timedelta(days=LEAF_DAYS - RENEWED_BEFORE_END_DAYS, hours=1)
    Pki(pki.keys, pki.tls, lambda: datetime.now(UTC) + later).make()
    after = files(pki)
    assert {path.name for path in before if before[path] == after[path]} == {"tls-ca.pem", "ca.pem"}


@pytest.mark.parametrize("damaged", ["tls-stage-score.pem", "tls-ca.pem"])
def test_a_damaged_or_foreign_certificate_is_made_anew(pki: Pki, damaged: str) -> None:
    """A file that is cut is made again; with a new CA no leaf of the old one stays."""
    (pki.keys / damaged).write_bytes((pki.keys / damaged).read_bytes()[:100])
    pki.make()
    for name in LEAVES:
        certificate(pki.leaf(name)).verify_directly_issued_by(certificate(pki.ca))


def test_a_leaf_under_anothers_name_is_not_believed(pki: Pki) -> None:
    """A stage's file that holds another's certificate is made anew."""
    pki.leaf("stage-score").write_bytes(pki.leaf("platform-admin").read_bytes())
    pki.make()
    assert certificate(pki.leaf("stage-score")).subject.rfc4514_string() == "CN=stage-score"
